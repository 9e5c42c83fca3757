namespace Troupe.Runtime.Platforms;

/// <summary>How the memory of each device is taken.</summary>
public sealed record DeviceMemoryOptions
{
    /// <value>Most bytes taken of a device. Null: all of an emulated one, nine tenths of what is free on a real one when it is first
    /// used.</value>
    public long? BudgetBytes { get; init; }

    /// <value>Every block is an allocation of its own, so that tools that watch allocations (compute-sanitizer) see each block; slow.
    /// Default off.</value>
    public bool SeparateBlocks { get; init; }
}
