using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;

namespace Troupe.Actors.Gpu;

/// <summary>What an executor is in and since when: published by it, read by whoever watches it.</summary>
/// <remarks><b>Thread</b> the executor's writes, any reads: what is read of an executor that does not move is consistent. <b>Blocks</b>
/// never.</remarks>
/// <param name="runsOnHost">Its devices are emulated: a forward runs inside the step that launches it, and is progress for as long as its
/// caller waits.</param>
internal sealed class ExecutorPulse(NodeClock clock, bool runsOnHost)
{
    private volatile string? _step;
    private volatile AdmittedForward? _runs;
    private long _since;

    /// <summary>A step begins; <paramref name="step"/> in words.</summary>
    public void Enter(string step)
    {
        Volatile.Write(ref _since, clock.Now.Ticks);
        _runs = null;
        _step = step;
    }

    /// <summary>The present step launches this forward.</summary>
    public void Run(AdmittedForward forward)
    {
        Volatile.Write(ref _since, clock.Now.Ticks);
        _runs = forward;
    }

    public void Leave()
    {
        _step = null;
        _runs = null;
    }

    /// <summary>Until when the present step is progress, however long it takes: for as long as its caller waits for a forward that runs on
    /// the host, else its beginning.</summary>
    public TimeSpan ProgressUntil => runsOnHost && _runs is { } forward ? forward.WaitedUntil : new TimeSpan(Volatile.Read(ref _since));

    /// <summary>What it is in and for how long, in words.</summary>
    public string Describe(TimeSpan now)
    {
        if (_step is not { } step)
        {
            return "it is between two steps";
        }

        string what = _runs is { } forward ? $"a forward of model '{forward.Model}'" : step;
        return $"it is in {what} since {(now - new TimeSpan(Volatile.Read(ref _since))).TotalSeconds:0.#} s";
    }
}
