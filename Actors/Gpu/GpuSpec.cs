using Troupe.Messages.Identity;

namespace Troupe.Actors.Gpu;

/// <summary>What a GPU is told of itself when its node starts.</summary>
/// <param name="Name">The device's product name.</param>
/// <param name="QueueLimit">Most forwards that wait.</param>
/// <param name="LaunchLimit">Most launches its executor has at once.</param>
/// <param name="WatchdogBound">An executor that does not answer for this long hangs.</param>
/// <param name="TickInterval">How often it is looked after: a longer gap is time in which this process did not run.</param>
internal sealed record GpuSpec(
    GpuId Id,
    string Name,
    long MemoryBytes,
    int QueueLimit,
    int LaunchLimit,
    TimeSpan WatchdogBound,
    TimeSpan TickInterval
);
