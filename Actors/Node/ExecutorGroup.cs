namespace Troupe.Actors.Node;

/// <summary>The devices of one executor and its successive lives, as the node supervises them.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> the node's.</remarks>
internal sealed class ExecutorGroup(IReadOnlyList<int> ordinals, int failureLimit, TimeSpan failureWindow)
{
    private static readonly TimeSpan LeastPause = TimeSpan.FromMilliseconds(50);

    private readonly Queue<TimeSpan> _failures = new();

    public IReadOnlyList<int> Ordinals { get; } = ordinals;

    /// <summary>The number of the present executor; 0 before the first.</summary>
    public int Incarnation { get; private set; }

    /// <summary>The end of the present incarnation has been told to the GPUs.</summary>
    public bool EndTold { get; set; }

    /// <summary>No executor follows.</summary>
    public bool Quarantined { get; set; }

    /// <summary>The last end was the doing of a forward or of a step that took too long: it counts against no limit.</summary>
    public bool IsExcused { get; set; }

    /// <summary>When the next executor starts, on the node's clock; null while none waits.</summary>
    public TimeSpan? StartsAt { get; set; }

    /// <summary>Counts the next executor.</summary>
    public void Begin()
    {
        EndTold = IsExcused = false;
        StartsAt = null;
        Incarnation++;
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

    /// <summary>Wait before the next start: none after the first failure, doubling with each one lately, up to 800 ms; the least step after
    /// an end that counts against no limit.</summary>
    public TimeSpan Backoff() =>
        IsExcused ? LeastPause
        : _failures.Count <= 1 ? TimeSpan.Zero
        : LeastPause * (1 << Math.Min(_failures.Count - 1, 4));
}
