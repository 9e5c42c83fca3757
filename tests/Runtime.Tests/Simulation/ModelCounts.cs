using Troupe.Runtime.Counts;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>The counters of an instance as the model predicts them.</summary>
internal sealed class ModelCounts
{
    public long Forwards,
        Captures,
        FailedCaptures,
        Replays,
        WarmUps,
        Hits,
        Misses,
        Evictions,
        AllocatorCalls,
        MovedInputs,
        Contexts,
        DeviceSwitches,
        SetReuses;

    public InstanceCounts Snapshot() =>
        new(
            Forwards,
            Captures,
            FailedCaptures,
            Replays,
            WarmUps,
            Hits,
            Misses,
            Evictions,
            AllocatorCalls,
            MovedInputs,
            Contexts,
            DeviceSwitches,
            SetReuses
        );
}
