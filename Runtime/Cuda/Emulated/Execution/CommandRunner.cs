using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>Does what a piece of stream work says, on the bytes behind the synthetic addresses.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> that of the policy. <b>Blocks</b> while the work runs. Returns the status the context fails
/// with.</remarks>
internal static unsafe class CommandRunner
{
    public static CuResult Run(
        EmulatedMachine machine,
        EmulatedCudaContext context,
        KernelMemory? memory,
        in StreamCommand command,
        bool isReplay
    )
    {
        EmulatedCounters counters = context.Device.Counters;
        switch (command.Kind)
        {
            case CommandKind.Managed:
                EmulatedCounters.Count(ref isReplay ? ref counters.ReplayedLaunches : ref counters.Launches);
                var kernel = (ManagedKernel)command.Subject!;
                return RunKernel(machine, context, memory!, command.Accesses ?? kernel.Accesses, kernel, null);
            case CommandKind.Kernel:
                EmulatedCounters.Count(ref isReplay ? ref counters.ReplayedLaunches : ref counters.Launches);
                var launch = (KernelLaunch)command.Subject!;
                return RunKernel(machine, context, memory!, launch.Accesses, null, launch);
            case CommandKind.CopyToDevice:
                EmulatedCounters.Count(ref counters.CopiesToDevice);
                return Copy(machine, context, in command);
            case CommandKind.CopyToHost:
                EmulatedCounters.Count(ref counters.CopiesToHost);
                return Copy(machine, context, in command);
            case CommandKind.CopyOnDevice:
                EmulatedCounters.Count(ref counters.CopiesOnDevice);
                return Copy(machine, context, in command);
            case CommandKind.CopyPeer:
                EmulatedCounters.Count(ref counters.PeerCopies);
                return Copy(machine, context, in command);
            case CommandKind.Fill8 or CommandKind.Fill32:
                EmulatedCounters.Count(ref counters.Fills);
                return Fill(machine, context, in command);
            case CommandKind.HostCall:
                EmulatedCounters.Count(ref counters.HostCalls);
                return Call(machine, (HostFunction)command.Subject!);
            case CommandKind.Lend or CommandKind.TakeBack:
                return ChangePieces(machine, in command);
            case CommandKind.Nothing or CommandKind.Record or CommandKind.Wait or CommandKind.Free:
                return CuResult.Success;
        }

        return CuResult.Unknown;
    }

    private static CuResult RunKernel(
        EmulatedMachine machine,
        EmulatedCudaContext context,
        KernelMemory memory,
        ReadOnlySpan<DeviceAccess> accesses,
        ManagedKernel? managed,
        KernelLaunch? launch
    )
    {
        HostThread thread = machine.Thread;
        thread.InsideWork++;
        try
        {
            CuResult status = memory.Open(context, accesses);
            if (status != CuResult.Success)
            {
                return machine.Report(
                    status,
                    managed?.Name ?? launch!.Kernel.Name,
                    "touches memory that is freed, out of range or out of reach"
                );
            }

            if (context.Device.SlowDown > 1 && !machine.HasVirtualClock)
            {
                return RunSlowly(context.Device.SlowDown, memory, managed, launch);
            }

            return managed is not null ? managed.Run(memory) : launch!.Run(memory);
        }
        catch (IllegalAccessException illegal)
        {
            return machine.Report(CuResult.IllegalAddress, managed?.Name ?? launch!.Kernel.Name, illegal.Message);
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            return machine.Report(CuResult.LaunchFailed, managed?.Name ?? launch!.Kernel.Name, defect.ToString());
        }
        finally
        {
            memory.Close();
            thread.InsideWork--;
        }
    }

    /// <summary>A slow device takes a multiple of the time; the kernel's thread is busy meanwhile, as the device would be.</summary>
    private static CuResult RunSlowly(double factor, KernelMemory memory, ManagedKernel? managed, KernelLaunch? launch)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        CuResult status = managed is not null ? managed.Run(memory) : launch!.Run(memory);
        long until = start + (long)((System.Diagnostics.Stopwatch.GetTimestamp() - start) * factor);
        while (System.Diagnostics.Stopwatch.GetTimestamp() < until)
        {
            Thread.SpinWait(20);
        }

        return status;
    }

    private static CuResult Call(EmulatedMachine machine, HostFunction function)
    {
        HostThread thread = machine.Thread;
        thread.InsideWork++;
        try
        {
            function.Invoke();
            return CuResult.Success;
        }
        catch (Exception defect) when (defect is not OutOfMemoryException)
        {
            return machine.Report(CuResult.LaunchFailed, function.GetType().Name, defect.ToString());
        }
        finally
        {
            thread.InsideWork--;
        }
    }

    private static CuResult Copy(EmulatedMachine machine, EmulatedCudaContext context, in StreamCommand command)
    {
        if (command.Bytes == 0)
        {
            return CuResult.Success;
        }

        EmulatedAllocation? destination = command.Kind == CommandKind.CopyToHost ? null : machine.Find(command.Destination);
        EmulatedAllocation? source = command.Kind == CommandKind.CopyToDevice ? null : machine.Find(command.Source);
        bool isGuest =
            (destination is not null && destination.Device != context.Device) || (source is not null && source.Device != context.Device);
        if (isGuest)
        {
            machine.EnterAsGuest();
        }

        try
        {
            byte* to =
                command.Kind == CommandKind.CopyToHost ? (byte*)command.Host : Bytes(destination, command.Destination, command.Bytes);
            byte* from = command.Kind == CommandKind.CopyToDevice ? (byte*)command.Host : Bytes(source, command.Source, command.Bytes);
            if (to is null || from is null)
            {
                return machine.Report(CuResult.IllegalAddress, command.Describe(), "touches memory that is freed or out of range");
            }

            Buffer.MemoryCopy(from, to, command.Bytes, command.Bytes);
            return CuResult.Success;
        }
        finally
        {
            if (isGuest)
            {
                machine.LeaveAsGuest();
            }
        }
    }

    private static CuResult Fill(EmulatedMachine machine, EmulatedCudaContext context, in StreamCommand command)
    {
        if (command.Bytes == 0)
        {
            return CuResult.Success;
        }

        EmulatedAllocation? range = machine.Find(command.Destination);
        bool isGuest = range is not null && range.Device != context.Device;
        if (isGuest)
        {
            machine.EnterAsGuest();
        }

        try
        {
            byte* to = Bytes(range, command.Destination, command.Bytes);
            if (to is null)
            {
                return machine.Report(CuResult.IllegalAddress, command.Describe(), "touches memory that is freed or out of range");
            }

            if (command.Kind == CommandKind.Fill8)
            {
                System.Runtime.InteropServices.NativeMemory.Fill(to, (nuint)command.Bytes, (byte)command.Value);
                return CuResult.Success;
            }

            for (ulong done = 0; done < command.Bytes; )
            {
                int count = (int)Math.Min((command.Bytes - done) / sizeof(uint), 1 << 28);
                new Span<uint>(to + done, count).Fill(command.Value);
                done += (ulong)count * sizeof(uint);
            }

            return CuResult.Success;
        }
        finally
        {
            if (isGuest)
            {
                machine.LeaveAsGuest();
            }
        }
    }

    private static byte* Bytes(EmulatedAllocation? range, ulong address, ulong byteCount)
    {
        if (range is null || !range.IsLive || !range.MayTouch(address, byteCount))
        {
            return null;
        }

        return range.Bytes + (address - range.Address);
    }

    /// <summary>A piece is lent or taken back; nobody may rely on what it held.</summary>
    private static CuResult ChangePieces(EmulatedMachine machine, in StreamCommand command)
    {
        EmulatedAllocation range = machine.Find(command.Destination)!;
        bool isLent = command.Kind == CommandKind.Lend;
        if (!range.IsLive || !range.Contains(command.Destination, command.Bytes))
        {
            return machine.Report(CuResult.IllegalAddress, command.Describe(), "names memory that is freed or out of range");
        }

        if (isLent ? !range.Pieces.TryLend(command.Destination, command.Bytes) : !range.Pieces.TryTakeBack(command.Destination))
        {
            return machine.Report(CuResult.IllegalAddress, command.Describe(), isLent ? "meets a piece that is lent" : "is of no piece");
        }

        System.Runtime.InteropServices.NativeMemory.Fill(
            range.Bytes + (command.Destination - range.Address),
            (nuint)command.Bytes,
            isLent ? EmulatedDevice.FreshPoison : EmulatedDevice.FreedPoison
        );
        return CuResult.Success;
    }
}
