using System.Runtime.CompilerServices;
using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>Finds work that touches the same bytes as other work without being ordered to it. It looks when work is enqueued, so the
/// verdict does not depend on when work runs.</summary>
/// <remarks>
/// The host is one timeline for all threads: what any thread has seen done, every thread may rely on. A host function's word is not an
/// order:
/// the host has to ask an event or a stream. <b>Owns</b> the logs of host memory and of device ranges. <b>Thread</b> under the execution's
/// lock. <b>Blocks</b>
/// never.
/// </remarks>
internal sealed class RaceDetector(EmulatedMachine machine)
{
    private readonly AccessLog _hostLog = new();
    private readonly ConditionalWeakTable<EmulatedAllocation, AccessLog> _deviceLogs = [];

    /// <summary>Enters the ranges of a piece of work; returns what it conflicts with, or null.</summary>
    public string? Enter(in StreamCommand command, int timeline, long step, VectorClock clock, VectorClock host)
    {
        switch (command.Kind)
        {
            case CommandKind.Managed:
                return EnterAll(command.Accesses, in command, timeline, step, clock, host);
            case CommandKind.Kernel:
                return EnterAll(((KernelLaunch)command.Subject!).Accesses, in command, timeline, step, clock, host);
            case CommandKind.CopyToDevice:
                return EnterHost((ulong)command.Host, command.Bytes, false, in command, timeline, step, clock, host)
                    ?? EnterDevice(command.Destination, command.Bytes, true, in command, timeline, step, clock, host);
            case CommandKind.CopyToHost:
                return EnterDevice(command.Source, command.Bytes, false, in command, timeline, step, clock, host)
                    ?? EnterHost((ulong)command.Host, command.Bytes, true, in command, timeline, step, clock, host);
            case CommandKind.CopyOnDevice or CommandKind.CopyPeer:
                return EnterDevice(command.Source, command.Bytes, false, in command, timeline, step, clock, host)
                    ?? EnterDevice(command.Destination, command.Bytes, true, in command, timeline, step, clock, host);
            case CommandKind.Fill8 or CommandKind.Fill32 or CommandKind.Free or CommandKind.Lend or CommandKind.TakeBack:
                return EnterDevice(command.Destination, command.Bytes, true, in command, timeline, step, clock, host);
            case CommandKind.HostCall:
                foreach (HostRange range in ((HostFunction)command.Subject!).Ranges)
                {
                    string? found = EnterHost(
                        (ulong)range.Start,
                        range.ByteCount,
                        range.Kind != AccessKind.Read,
                        in command,
                        timeline,
                        step,
                        clock,
                        host
                    );
                    if (found is not null)
                    {
                        return found;
                    }
                }

                return null;
            case CommandKind.Nothing or CommandKind.Record or CommandKind.Wait:
                return null;
        }

        return null;
    }

    private string? EnterAll(
        ReadOnlySpan<DeviceAccess> accesses,
        in StreamCommand command,
        int timeline,
        long step,
        VectorClock clock,
        VectorClock host
    )
    {
        foreach (ref readonly DeviceAccess access in accesses)
        {
            string? found = EnterDevice(
                access.Start.Address,
                access.ByteCount,
                access.Kind != AccessKind.Read,
                in command,
                timeline,
                step,
                clock,
                host
            );
            if (found is not null)
            {
                return found;
            }
        }

        return null;
    }

    private string? EnterDevice(
        ulong start,
        ulong bytes,
        bool isWrite,
        in StreamCommand command,
        int timeline,
        long step,
        VectorClock clock,
        VectorClock host
    )
    {
        // An address that is nobody's fails when the work runs.
        if (bytes == 0 || machine.Find(start) is not { } range)
        {
            return null;
        }

        return Enter(_deviceLogs.GetOrCreateValue(range), start, bytes, isWrite, in command, timeline, step, clock, host);
    }

    private string? EnterHost(
        ulong start,
        ulong bytes,
        bool isWrite,
        in StreamCommand command,
        int timeline,
        long step,
        VectorClock clock,
        VectorClock host
    ) => bytes == 0 ? null : Enter(_hostLog, start, bytes, isWrite, in command, timeline, step, clock, host);

    private static string? Enter(
        AccessLog log,
        ulong start,
        ulong bytes,
        bool isWrite,
        in StreamCommand command,
        int timeline,
        long step,
        VectorClock clock,
        VectorClock host
    )
    {
        string what = command.Describe();
        if (log.FindConflict(clock, start, start + bytes, isWrite) is { } other)
        {
            return $"{what} and {other.What} touch the same bytes and are not ordered";
        }

        log.Add(new AccessRecord(start, start + bytes, isWrite, timeline, step, what), clock, host);
        return null;
    }
}
