namespace Troupe.Actors.Gpu;

/// <summary>Tells a busy executor from one that hangs: one heartbeat is out at a time, and its age is the answer.</summary>
internal sealed class ExecutorWatch(TimeSpan bound)
{
    private long _sequence;
    private TimeSpan? _askedAt;
    private bool _running;

    public void Begin()
    {
        _running = true;
        _askedAt = null;
    }

    public void End() => _running = false;

    /// <summary>The number of the heartbeat to send now; null while one is out.</summary>
    public long? Next(TimeSpan now)
    {
        if (!_running || _askedAt is not null)
        {
            return null;
        }

        _askedAt = now;
        return ++_sequence;
    }

    /// <summary>It has answered, or could not be asked.</summary>
    public void Clear(long sequence)
    {
        if (sequence == _sequence)
        {
            _askedAt = null;
        }
    }

    public bool Hangs(TimeSpan now) => _running && _askedAt is { } asked && now - asked > bound;
}
