using MessagePack;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Modes;

/// <summary>The value of every mode as one forward or instance sees it; immutable, kept from admission on.</summary>
[MessagePackObject]
public sealed record ModeSettings
{
    /// <summary>What holds where no scope says otherwise.</summary>
    public static ModeSettings Default { get; } = new();

    [Key(0)]
    public CudaGraphsMode CudaGraphs { get; init; }

    [Key(1)]
    public bool PreAllocatedOutputs { get; init; }

    [Key(2)]
    public bool OutputAllocator { get; init; }

    [Key(3)]
    public bool MultiDeviceSafe { get; init; }

    [Key(4)]
    public ProfileChoice Profile { get; init; } = ProfileChoice.Pinned(0);

    [Key(5)]
    public WeightBudget WeightBudget { get; init; }

    [Key(6)]
    public WorkspaceStrategy Workspace { get; init; }

    [Key(7)]
    public RuntimeSettings RuntimeSettings { get; init; } = RuntimeSettings.Default;

    [Key(8)]
    public ProfilingFormat Profiling { get; init; }

    [Key(9), AddedLater]
    public bool Audit { get; init; }

    [Key(10), AddedLater]
    public VersionChoice Version { get; init; }
}
