using System.Diagnostics;
using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>The serving policy: work runs on the thread that enqueues it, before the call returns, without a queue and without an
/// allocation.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> the caller's. <b>Blocks</b> for as long as the work takes, and while another thread's work
/// runs on the same stream.</remarks>
internal sealed class InlineExecution(EmulatedMachine machine) : EmulatedExecution
{
    public override bool RunsAtEnqueue => true;

    public override long Now => Stopwatch.GetElapsedTime(0).Ticks;

    public override CuResult Submit(EmulatedStream stream, in StreamCommand command)
    {
        lock (stream.Gate)
        {
            // Taken, but the device failed by this very launch: nothing runs any more.
            if (stream.Context.Failure != CuResult.Success)
            {
                return CuResult.Success;
            }

            CuResult status = CommandRunner.Run(machine, stream.Context, stream.Memory, in command, isReplay: false);
            if (status != CuResult.Success)
            {
                stream.Context.Device.Fail(status);
            }
        }

        return CuResult.Success;
    }

    public override CuResult Submit(EmulatedStream stream, EmulatedGraphExec executable)
    {
        lock (stream.Gate)
        {
            foreach (GraphNode node in executable.Nodes)
            {
                if (node.Context.Failure != CuResult.Success)
                {
                    break;
                }

                StreamCommand command = node.Command;
                CuResult status = CommandRunner.Run(machine, node.Context, stream.Memory, in command, isReplay: true);
                if (status == CuResult.Success)
                {
                    continue;
                }

                node.Context.Device.Fail(status);
                stream.Context.Device.Fail(status);
                break;
            }
        }

        return CuResult.Success;
    }

    public override CuResult RunNow(EmulatedCudaContext context, in StreamCommand command)
    {
        machine.EnterAsGuest();
        try
        {
            return CommandRunner.Run(machine, context, null, in command, isReplay: false);
        }
        finally
        {
            machine.LeaveAsGuest();
        }
    }

    public override void Record(EmulatedStream stream, EmulatedEvent @event)
    {
        lock (stream.Gate)
        {
            @event.IsRecorded = true;
            if (@event.HasTiming)
            {
                @event.ReachedAt = Now;
            }
        }
    }

    public override void Wait(EmulatedStream stream, EmulatedEvent @event)
    {
        // Whatever the event was recorded behind has run already.
    }

    public override bool IsDone(EmulatedStream stream)
    {
        if (!stream.Gate.TryEnter())
        {
            return false;
        }

        stream.Gate.Exit();
        return true;
    }

    public override bool IsDone(EmulatedEvent @event) => true;

    public override void Drain(EmulatedStream stream)
    {
        lock (stream.Gate) { }
    }

    public override void Drain(EmulatedEvent @event) { }

    public override void Drain(EmulatedDevice? device)
    {
        foreach (EmulatedDevice each in machine.Devices)
        {
            if (device is null || each == device)
            {
                each.WaitForStreams();
            }
        }
    }
}
