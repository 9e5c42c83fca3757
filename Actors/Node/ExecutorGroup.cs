using Akka.Actor;

namespace Troupe.Actors.Node;

/// <summary>The devices of one executor and its successive lives, as the node supervises them.</summary>
internal sealed class ExecutorGroup(IReadOnlyList<int> ordinals, int failureLimit, TimeSpan failureWindow)
{
    private readonly Queue<TimeSpan> _failures = new();

    public IReadOnlyList<int> Ordinals { get; } = ordinals;

    public int Incarnation { get; private set; }

    public IActorRef Executor { get; set; } = ActorRefs.Nobody;

    /// <summary>The end of the present incarnation has been told to the GPUs.</summary>
    public bool EndTold { get; set; }

    /// <summary>No executor follows.</summary>
    public bool Quarantined { get; set; }

    /// <summary>The number of the executor to start now.</summary>
    public int Begin()
    {
        EndTold = false;
        return ++Incarnation;
    }

    /// <summary>Counts a failure; true when there have been too many lately.</summary>
    public bool Fails(TimeSpan now)
    {
        _failures.Enqueue(now);
        while (now - _failures.Peek() > failureWindow)
        {
            _failures.Dequeue();
        }

        return _failures.Count > failureLimit;
    }

    /// <summary>Wait before the next start: none after the first failure, doubling with each one lately, up to 800 ms.</summary>
    public TimeSpan Backoff() =>
        _failures.Count <= 1 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(50 * (1 << Math.Min(_failures.Count - 1, 4)));
}
