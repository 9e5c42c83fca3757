using Troupe.Messages.Identity;

namespace Troupe.Runtime.Counts;

/// <summary>An instance as its holder last saw it: what it has done since it was loaded, and what it keeps.</summary>
/// <param name="Ordinal">Its home device.</param>
/// <param name="WeightBudgetBytes">Streamable weights that may lie in device memory, over all engines.</param>
/// <param name="StreamableWeightBytes">Weights that may be streamed; 0 where the back end cannot.</param>
public sealed record InstanceSnapshot(
    ModelVersion Model,
    int Ordinal,
    InstanceCounts Counts,
    long WeightBudgetBytes,
    long StreamableWeightBytes
)
{
    /// <summary>What it has on each of its devices, home first.</summary>
    public IReadOnlyList<InstanceMemory> Memory { get; init; } = [];
}
