using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Lanes;

/// <summary>How a forward relates to the stream its caller works on.</summary>
/// <param name="Stream">The caller's; null when the caller waits for completion on the host.</param>
/// <param name="RunsOnIt">True: the forward is enqueued on that very stream, without events. False: on the lane's own, ordered behind and
/// before the caller's by events.</param>
internal readonly record struct CallerStream(DeviceStream? Stream, bool RunsOnIt)
{
    /// <summary>Nobody but the host waits.</summary>
    public static CallerStream None => default;

    /// <summary>The caller's stream where the forward runs on it.</summary>
    public DeviceStream? RunsOn => RunsOnIt ? Stream : null;

    /// <summary>The caller's stream where events order it and the lane's.</summary>
    public DeviceStream? OrderedWith => RunsOnIt ? null : Stream;

    /// <summary>The caller is on a default stream: the lane uses its own and both are ordered by events.</summary>
    public static CallerStream Joined(DeviceStream stream) => new(stream, RunsOnIt: false);

    /// <summary>The caller has a stream of its own: everything runs there.</summary>
    public static CallerStream Direct(DeviceStream stream) => new(stream, RunsOnIt: true);
}
