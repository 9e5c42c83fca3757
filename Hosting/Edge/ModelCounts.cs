namespace Troupe.Hosting.Edge;

/// <summary>How often something happened and how long it took in all.</summary>
internal readonly record struct DurationCount(long Count, long Nanoseconds)
{
    public DurationCount Add(long nanoseconds) => new(Count + 1, Nanoseconds + nanoseconds);
}

/// <summary>Compute times of the executions of one batch size.</summary>
internal readonly record struct BatchCount(DurationCount ComputeInput, DurationCount ComputeInfer, DurationCount ComputeOutput);

/// <summary>The counters of one model version at one moment.</summary>
/// <param name="Inferences">Entries of all batches.</param>
/// <param name="Executions">Launches.</param>
/// <param name="Redispatches">Times a forward was sent again after a device or node failed it.</param>
internal readonly record struct ModelCounts(
    long LastInferenceMilliseconds,
    long Inferences,
    long Executions,
    long Redispatches,
    DurationCount Success,
    DurationCount Fail,
    DurationCount Queue,
    DurationCount ComputeInput,
    DurationCount ComputeInfer,
    DurationCount ComputeOutput
);
