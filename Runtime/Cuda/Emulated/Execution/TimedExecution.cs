using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>The policy for overlap and throughput: work takes its declared time on virtual engines, and time passes only when the host
/// waits or says so.</summary>
/// <remarks>
/// Each device has copy engines in both directions and as many kernel slots as its options say; a piece of work starts when everything
/// before it ended
/// and an engine is free. <b>Owns</b> the clock. <b>Thread</b> any; effects run on the thread that moves the clock. <b>Blocks</b> only
/// while effects run.
/// </remarks>
internal sealed class TimedExecution : QueuedExecution
{
    private readonly PriorityQueue<WorkItem, (long EndsAt, long Sequence)> _pending = new();
    private readonly VirtualEngines[] _devices;
    private readonly TimeSpan _queryTime;
    private readonly Lock _advancing = new();
    private long _now;

    public TimedExecution(EmulatedMachine machine, TimeSpan queryTime)
        : base(machine)
    {
        _devices = [.. machine.Devices.Select(device => new VirtualEngines(device))];
        _queryTime = queryTime;
    }

    public override long Now => Interlocked.Read(ref _now);

    /// <summary>Time since the driver was made.</summary>
    public TimeSpan Elapsed => new(Now);

    protected override bool IsVirtual => true;

    /// <summary>Time the kernel slots and copy engines of a device were busy, added up.</summary>
    public TimeSpan BusyTime(int ordinal)
    {
        lock (Gate)
        {
            return new TimeSpan(_devices[ordinal].BusyTicks);
        }
    }

    /// <summary>Lets host time pass: what ends meanwhile takes effect.</summary>
    public void Advance(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        AdvanceTo(Now + time.Ticks);
    }

    protected override void Accept(WorkItem item)
    {
        item.StartsAt = Math.Max(item.StartsAt, Now);
        _devices[item.Context.Device.Ordinal].Schedule(item, Now);
        _pending.Enqueue(item, (item.EndsAt, item.Sequence));
    }

    protected override void AcceptReady(List<WorkItem> items)
    {
        // Everything is placed when it is enqueued; the clock alone decides when it takes effect.
    }

    protected override void Await(WorkItem item)
    {
        AdvanceTo(item.EndsAt);
        lock (Gate)
        {
            while (!item.IsDone)
            {
                WaitForChange();
            }
        }
    }

    protected override void Poll(WorkItem item)
    {
        AdvanceTo(Now);
        if (!IsReached(item))
        {
            AdvanceTo(Now + _queryTime.Ticks);
        }
    }

    protected override bool IsReached(WorkItem item) => item.IsDone && item.EndsAt <= Now;

    protected override bool ChooseReadAtCall() => false;

    private void AdvanceTo(long time)
    {
        lock (_advancing)
        {
            while (true)
            {
                WorkItem next;
                lock (Gate)
                {
                    if (!_pending.TryPeek(out next!, out (long EndsAt, long Sequence) key) || key.EndsAt > time)
                    {
                        break;
                    }

                    _pending.Dequeue();
                    if (key.EndsAt > _now)
                    {
                        Interlocked.Exchange(ref _now, key.EndsAt);
                    }
                }

                Perform(next);
                lock (Gate)
                {
                    while (!next.IsDone)
                    {
                        WaitForChange();
                    }
                }
            }

            if (time > _now)
            {
                Interlocked.Exchange(ref _now, time);
            }
        }
    }
}
