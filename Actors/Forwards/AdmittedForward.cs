using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Memory;

namespace Troupe.Actors.Forwards;

/// <summary>A forward that a GPU has taken, with all that its executor needs to know of it. Immutable but for two marks: what comes out is
/// a <see cref="ForwardResult"/>.</summary>
/// <param name="Settings">Those it was captured with when it entered the queue.</param>
/// <param name="Epoch">The Lamport time of the modes they come from.</param>
internal sealed record AdmittedForward(DispatchForward Dispatch, ModeSettings Settings, long Epoch)
{
    private volatile bool _isLaunched;
    private long _leftAt = long.MaxValue;

    /// <summary>A lane has begun with it, so that it may have caused whatever ended its executor; false proves that it has not.</summary>
    public bool IsLaunched => _isLaunched;

    public Forward Forward => Dispatch.Forward;

    public ModelVersion Model => Dispatch.Model;

    public int Attempt => Dispatch.Attempt;

    public TimeSpan Deadline => Dispatch.Deadline;

    /// <summary>Until when its caller waits: its deadline, or when it left.</summary>
    public TimeSpan WaitedUntil => new(Math.Min(Deadline.Ticks, Volatile.Read(ref _leftAt)));

    public IForwardOrigin? Origin => Dispatch.Origin;

    public int Priority => Dispatch.Forward.Priority;

    public ForwardClass Class => Dispatch.Forward.Class;

    public ForwardSuspicion Suspicion => Dispatch.Suspicion;

    public HostMemory? LeasesFrom => Dispatch.LeasesFrom;

    /// <summary>The executor's, before the launch starts: the mark must stand whatever the launch does.</summary>
    public void MarkLaunched() => _isLaunched = true;

    /// <summary>The GPU's: nobody waits for it from now on.</summary>
    public void MarkLeft(TimeSpan now) => Volatile.Write(ref _leftAt, now.Ticks);
}
