namespace Troupe.Actors.Membership;

/// <summary>Monotonic time since the node started: the only clock that cores are asked with, so that tests can turn it by hand.</summary>
/// <remarks><b>Thread</b> any.</remarks>
internal sealed class NodeClock(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    public TimeProvider Provider => time;

    public TimeSpan Now => time.GetElapsedTime(_start);
}
