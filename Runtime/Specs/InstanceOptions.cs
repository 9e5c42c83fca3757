using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Troupe.Runtime.Specs;

/// <summary>How an instance is made.</summary>
/// <param name="MaxLanes">Most lanes it may have; as many are made, on demand, as the memory budget allows.</param>
/// <param name="ProfileFolder">Where profiles are written while profiling is on; null: <c>troupe-profiles</c> in the folder for temporary
/// files.</param>
public sealed record InstanceOptions(int MaxLanes = 2, string? ProfileFolder = null)
{
    /// <summary>Where runtime caches may lie.</summary>
    public RuntimeCacheOptions Caches { get; init; } = new();

    /// <summary>Told, while it is loaded, of what is done otherwise than its files say.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    /// <summary>Most bytes that the outputs of one forward, those that are asked for, take together on their way to the host.</summary>
    /// <value>No limit.</value>
    public long MaxOutputBytes { get; init; } = long.MaxValue;
}
