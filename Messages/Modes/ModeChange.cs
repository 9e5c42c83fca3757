using MessagePack;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Modes;

/// <summary>Sets some modes and leaves the others as they are: a field that is null is not touched.</summary>
[MessagePackObject]
public sealed record ModeChange
{
    public static ModeChange None { get; } = new();

    [Key(0)]
    public CudaGraphsMode? CudaGraphs { get; init; }

    [Key(1)]
    public bool? PreAllocatedOutputs { get; init; }

    [Key(2)]
    public bool? OutputAllocator { get; init; }

    [Key(3)]
    public bool? MultiDeviceSafe { get; init; }

    [Key(4)]
    public ProfileChoice? Profile { get; init; }

    [Key(5)]
    public WeightBudget? WeightBudget { get; init; }

    [Key(6)]
    public WorkspaceStrategy? Workspace { get; init; }

    [Key(7)]
    public RuntimeSettingsChange? RuntimeSettings { get; init; }

    [Key(8)]
    public ProfilingFormat? Profiling { get; init; }

    [Key(9), AddedLater]
    public bool? Audit { get; init; }

    [Key(10), AddedLater]
    public VersionChoice? Version { get; init; }
}
