using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Artifacts.Containers;

/// <summary>The JSON part of a TR01 or TR02 container: everything its runtime must know before it loads the plan.</summary>
public sealed record ContainerMetadata
{
    public IReadOnlyList<ContainerTensor> Bindings { get; init; } = [];

    /// <summary>Any makes the container a TR02, so that readers that would ignore aliases refuse it.</summary>
    public IReadOnlyList<AliasSpec> Aliases { get; init; } = [];

    public bool HardwareCompatible { get; init; }

    /// <summary>CUDA ordinal at build time.</summary>
    public int DeviceOrdinal { get; init; }

    /// <summary>Base64 of the compiler's pickled metadata; never run.</summary>
    public string SerializedMetadata { get; init; } = "";

    /// <summary>Spelling of the platform; empty where not told.</summary>
    public string TargetPlatform { get; init; } = "";

    /// <summary>What was read otherwise than it is written, for people.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
