using MessagePack;

namespace Troupe.Messages.Modes;

/// <summary>How forwards use CUDA graphs (seed: <c>enable_cudagraphs</c>, <c>set_cudagraphs_mode</c>).</summary>
public enum CudaGraphsMode
{
    Off = 0,
    PerSegment = 1,
    WholeModule = 2,

    /// <summary>Whole module when the module has fallback segments, else per segment.</summary>
    Auto = 3,
}

/// <summary>Who owns an engine's scratch memory (seed: <c>ResourceAllocationStrategy</c>).</summary>
public enum WorkspaceStrategy
{
    Static = 0,
    Dynamic = 1,
}

/// <summary>Format of the profiles that are written (seed: <c>enable_profiling</c>).</summary>
public enum ProfilingFormat
{
    Off = 0,
    Trex = 1,
    Perfetto = 2,
}

public enum WeightBudgetKind
{
    Automatic = 0,
    Bytes = 1,
    Fraction = 2,
}

/// <summary>Device memory for streamable weights, per instance (seed: <c>weight_streaming</c>, <c>device_budget</c>).</summary>
[MessagePackObject]
public readonly record struct WeightBudget(
    [property: Key(0)] WeightBudgetKind Kind,
    [property: Key(1)] long ByteCount,
    [property: Key(2)] double Share
)
{
    /// <summary>The back end's own choice.</summary>
    public static WeightBudget Automatic => default;

    /// <summary>At most this many bytes; above the streamable size it is clamped, negative is an error where it is applied.</summary>
    public static WeightBudget OfBytes(long bytes) => new(WeightBudgetKind.Bytes, bytes, 0);

    /// <summary>This share (0..1) of the streamable size.</summary>
    public static WeightBudget OfFraction(double share) => new(WeightBudgetKind.Fraction, 0, share);
}

/// <summary>Which optimization profile a forward uses (seed: <c>optimization_profile</c>): one pinned by its index, or chosen by
/// shape.</summary>
[MessagePackObject]
public readonly record struct ProfileChoice([property: Key(0)] int? Index)
{
    /// <summary>Keep the active profile while it fits, else take the first that does.</summary>
    public static ProfileChoice Auto => default;

    public static ProfileChoice Pinned(int index) => new(index);

    [IgnoreMember]
    public bool IsAuto => Index is null;
}

/// <summary>When kernels are specialized to shapes (TensorRT-RTX).</summary>
public enum KernelSpecialization
{
    Lazy = 0,
    Eager = 1,
    None = 2,
}

/// <summary>Whether the engine captures graphs itself (TensorRT-RTX).</summary>
public enum EngineGraphStrategy
{
    Disabled = 0,
    WholeGraphCapture = 1,
}

/// <summary>Settings of TensorRT-RTX engines (seed: <c>runtime_config</c>, <c>runtime_cache</c>).</summary>
/// <param name="CachePath">A name in the cache folder of the node or process, or in one's own process any path; empty: memory alone; null:
/// none is kept.</param>
[MessagePackObject]
public sealed record RuntimeSettings(
    [property: Key(0)] KernelSpecialization Specialization = KernelSpecialization.Lazy,
    [property: Key(1)] EngineGraphStrategy GraphStrategy = EngineGraphStrategy.Disabled,
    [property: Key(2)] string? CachePath = RuntimeSettings.DefaultCache
)
{
    /// <summary>A file of the user who runs the process.</summary>
    public const string DefaultCache = "runtime.cache";

    public static RuntimeSettings Default { get; } = new();
}

/// <summary>Where compiled kernels are kept: nowhere, in memory (shared by the instances under one scope), or in a file of the
/// node.</summary>
[MessagePackObject]
public readonly record struct RuntimeCacheChoice([property: Key(0)] string? Path)
{
    public static RuntimeCacheChoice None => default;

    public static RuntimeCacheChoice InMemory => new("");

    public static RuntimeCacheChoice File(string path) => new(path);
}

/// <summary>Sets some of the <see cref="RuntimeSettings"/> and leaves the others, so that scopes of different knobs nest and end in any
/// order.</summary>
[MessagePackObject]
public sealed record RuntimeSettingsChange(
    [property: Key(0)] KernelSpecialization? Specialization = null,
    [property: Key(1)] EngineGraphStrategy? GraphStrategy = null,
    [property: Key(2)] RuntimeCacheChoice? Cache = null
);
