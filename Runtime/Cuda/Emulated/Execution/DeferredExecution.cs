using System.Diagnostics;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>The testing policy: work waits until the host synchronizes, asks, or by chance enqueues more, and then runs in a seeded random
/// legal order.</summary>
/// <remarks><b>Owns</b> the ready list. <b>Thread</b> the caller's runs the work, or a thread of its own where the options want one.
/// <b>Blocks</b> in the Drain methods.</remarks>
internal sealed class DeferredExecution : QueuedExecution
{
    private readonly List<WorkItem> _ready = [];
    private readonly Random _random;
    private readonly Thread? _pump;
    private bool _isStopped;

    public DeferredExecution(EmulatedMachine machine, int seed, bool hasPump)
        : base(machine)
    {
        _random = new Random(seed);
        if (!hasPump)
        {
            return;
        }

        _pump = new Thread(PumpUntilStopped) { IsBackground = true, Name = "troupe deferred work" };
        _pump.Start();
    }

    public override long Now => Stopwatch.GetElapsedTime(0).Ticks;

    protected override void Dispose(bool disposing)
    {
        lock (Gate)
        {
            _isStopped = true;
            Monitor.PulseAll(Gate);
        }

        _pump?.Join(TimeSpan.FromSeconds(5));
        base.Dispose(disposing);
    }

    protected override void Accept(WorkItem item)
    {
        if (item.Blockers == 0)
        {
            _ready.Add(item);
        }
    }

    protected override void AcceptReady(List<WorkItem> items) => _ready.AddRange(items);

    protected override void Await(WorkItem item)
    {
        while (true)
        {
            WorkItem? next;
            lock (Gate)
            {
                if (item.IsDone)
                {
                    return;
                }

                next = TakeAny();
                if (next is null)
                {
                    WaitForChange();
                    continue;
                }
            }

            Perform(next);
        }
    }

    protected override void Poll(WorkItem item) => RunSome(3);

    protected override void AdvanceAfterEnqueue() => RunSome(2, oneIn: 4);

    protected override bool ChooseReadAtCall() => _random.Next(2) == 0;

    private void RunSome(int below, int oneIn = 1)
    {
        int count;
        lock (Gate)
        {
            count = _random.Next(oneIn) == 0 ? _random.Next(below) : 0;
        }

        for (; count > 0; count--)
        {
            WorkItem? next;
            lock (Gate)
            {
                next = TakeAny();
            }

            if (next is null)
            {
                return;
            }

            Perform(next);
        }
    }

    private WorkItem? TakeAny()
    {
        if (_ready.Count == 0)
        {
            return null;
        }

        int index = _random.Next(_ready.Count);
        WorkItem taken = _ready[index];
        _ready[index] = _ready[^1];
        _ready.RemoveAt(_ready.Count - 1);
        return taken;
    }

    private void PumpUntilStopped()
    {
        while (true)
        {
            WorkItem? next;
            lock (Gate)
            {
                if (_isStopped)
                {
                    return;
                }

                next = TakeAny();
                if (next is null)
                {
                    WaitForChange();
                    continue;
                }
            }

            Perform(next);
        }
    }
}
