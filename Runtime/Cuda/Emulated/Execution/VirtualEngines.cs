using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>The engines of one device on the virtual clock: where a piece of work finds its place in time.</summary>
/// <remarks><b>Owns</b> the busy intervals. <b>Thread</b> under the execution's lock. <b>Blocks</b> never.</remarks>
internal sealed class VirtualEngines(EmulatedDevice device)
{
    private readonly List<(long Start, long End)>[] _kernelSlots =
    [
        .. Enumerable.Range(0, Math.Max(1, device.Options.ConcurrentKernels)).Select(_ => new List<(long, long)>()),
    ];
    private readonly List<(long Start, long End)> _copiesIn = [];
    private readonly List<(long Start, long End)> _copiesOut = [];

    public long BusyTicks { get; private set; }

    /// <summary>Gives an item the earliest place at or after the time it is ready, never before now, and sets its start and end.</summary>
    public void Schedule(WorkItem item, long now)
    {
        DropEnded(now);
        long ticks = DurationOf(item.Command);
        if (ticks > 0)
        {
            List<(long Start, long End)> engine = EngineFor(item.Command, item.StartsAt, ticks);
            item.StartsAt = Reserve(engine, item.StartsAt, ticks);
            BusyTicks += ticks;
        }

        item.EndsAt = item.StartsAt + ticks;
    }

    /// <summary>What ended is no obstacle any more: nothing new starts in the past.</summary>
    private void DropEnded(long now)
    {
        foreach (List<(long Start, long End)> slot in _kernelSlots)
        {
            slot.RemoveAll(interval => interval.End <= now);
        }

        _copiesIn.RemoveAll(interval => interval.End <= now);
        _copiesOut.RemoveAll(interval => interval.End <= now);
    }

    private static long EarliestIn(List<(long Start, long End)> busy, long ready, long ticks)
    {
        long start = ready;
        foreach ((long from, long until) in busy)
        {
            if (start + ticks <= from)
            {
                return start;
            }

            start = Math.Max(start, until);
        }

        return start;
    }

    private static long Reserve(List<(long Start, long End)> busy, long ready, long ticks)
    {
        long start = EarliestIn(busy, ready, ticks);
        int index = busy.FindIndex(interval => interval.Start >= start);
        busy.Insert(index < 0 ? busy.Count : index, (start, start + ticks));
        return start;
    }

    private List<(long Start, long End)> EngineFor(in StreamCommand command, long ready, long ticks)
    {
        if (command.Kind == CommandKind.CopyToDevice)
        {
            return _copiesIn;
        }

        if (command.IsCopy)
        {
            return _copiesOut;
        }

        return _kernelSlots.MinBy(slot => EarliestIn(slot, ready, ticks))!;
    }

    private long DurationOf(in StreamCommand command)
    {
        TimeSpan duration = command.Kind switch
        {
            CommandKind.Managed => ((ManagedKernel)command.Subject!).Duration,
            CommandKind.Kernel => ((KernelLaunch)command.Subject!).Kernel.Body.Duration,
            CommandKind.CopyToDevice or CommandKind.CopyToHost or CommandKind.CopyOnDevice or CommandKind.CopyPeer => TimeSpan.FromSeconds(
                (double)command.Bytes / device.Options.CopyBytesPerSecond
            ),
            CommandKind.Nothing
            or CommandKind.Fill8
            or CommandKind.Fill32
            or CommandKind.HostCall
            or CommandKind.Record
            or CommandKind.Wait
            or CommandKind.Free
            or CommandKind.Lend
            or CommandKind.TakeBack => TimeSpan.Zero,
        };
        return (long)(duration.Ticks * device.SlowDown);
    }
}
