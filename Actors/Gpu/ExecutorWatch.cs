namespace Troupe.Actors.Gpu;

/// <summary>Tells a busy executor from one that hangs: one heartbeat is out at a time, and how long it is out is the answer.</summary>
/// <remarks>Counts only time in which this process itself ran: of a gap between two looks no more than what lies between two in
/// order.</remarks>
/// <param name="bound">How long it may be out, and a step may take beyond its <see cref="ExecutorPulse.ProgressUntil"/>.</param>
/// <param name="interval">Between two looks.</param>
internal sealed class ExecutorWatch(TimeSpan bound, TimeSpan interval)
{
    private ExecutorPulse? _pulse;
    private long _sequence;
    private bool _isAsked;
    private bool _isRunning;
    private TimeSpan _unanswered;
    private TimeSpan _lastLook;

    public void Begin(ExecutorPulse? pulse)
    {
        _pulse = pulse;
        _isRunning = true;
        _isAsked = false;
    }

    public void End() => _isRunning = false;

    /// <summary>The number of the heartbeat to send now; null while one is out.</summary>
    public long? Next(TimeSpan now)
    {
        TimeSpan gap = now - _lastLook;
        _lastLook = now;
        if (_isRunning && _isAsked)
        {
            _unanswered += gap < interval ? gap : interval;
        }

        if (!_isRunning || _isAsked)
        {
            return null;
        }

        _isAsked = true;
        _unanswered = TimeSpan.Zero;
        return ++_sequence;
    }

    /// <summary>It has answered, or could not be asked.</summary>
    public void Clear(long sequence)
    {
        if (sequence == _sequence)
        {
            _isAsked = false;
        }
    }

    /// <summary>It has not answered for longer than it may, and not because of a forward that its caller still waits for.</summary>
    public bool Hangs(TimeSpan now) =>
        _isRunning && _isAsked && _unanswered > bound && (_pulse is null || now - _pulse.ProgressUntil > bound);

    /// <summary>What it hangs in, in words.</summary>
    public string Describe(TimeSpan now) =>
        $"its executor has not answered for {bound.TotalSeconds:0.#} s; {_pulse?.Describe(now) ?? "what it is in is not known"}";
}
