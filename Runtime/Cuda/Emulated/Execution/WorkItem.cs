using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>One piece of queued work with everything it waits for.</summary>
/// <remarks><b>Owns</b> its staged bytes. <b>Thread</b> under the execution's lock; its effect runs outside. <b>Blocks</b> never.</remarks>
internal sealed class WorkItem(EmulatedCudaContext context, StreamCommand command, bool isReplay, VectorClock clock)
{
    private List<WorkItem>? _dependents;

    public EmulatedCudaContext Context { get; } = context;

    public StreamCommand Command { get; } = command;

    public bool IsReplay { get; } = isReplay;

    /// <summary>What it is ordered behind, itself included.</summary>
    public VectorClock Clock { get; } = clock;

    /// <summary>Work it still waits for.</summary>
    public int Blockers { get; private set; }

    public bool IsDone { get; private set; }

    /// <summary>A pageable source as it was at the call; null when it is read at execution.</summary>
    public byte[]? Staged { get; set; }

    /// <summary>When it starts and ends on the virtual clock, in ticks of <see cref="TimeSpan"/>.</summary>
    public long StartsAt { get; set; }

    public long EndsAt { get; set; }

    /// <summary>Order of enqueueing, which is a legal order.</summary>
    public long Sequence { get; set; }

    public void WaitFor(WorkItem? earlier)
    {
        if (earlier is null)
        {
            return;
        }

        StartsAt = Math.Max(StartsAt, earlier.EndsAt);
        if (earlier.IsDone)
        {
            return;
        }

        (earlier._dependents ??= []).Add(this);
        Blockers++;
    }

    /// <summary>Marks it done and appends what became ready by that.</summary>
    public void Finish(List<WorkItem> ready)
    {
        IsDone = true;
        if (_dependents is null)
        {
            return;
        }

        foreach (WorkItem dependent in _dependents)
        {
            if (--dependent.Blockers == 0)
            {
                ready.Add(dependent);
            }
        }

        _dependents = null;
    }
}
