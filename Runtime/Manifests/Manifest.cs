using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Manifests;

/// <summary>The content of a <c>module.json</c>, as written.</summary>
internal sealed record Manifest(
    IReadOnlyList<ModuleTensor> Inputs,
    IReadOnlyList<ModuleTensor> Outputs,
    IReadOnlyList<ManifestSegment> Segments
);

/// <summary>One entry of its <c>segments</c>.</summary>
internal sealed record ManifestSegment(
    SegmentSpec Spec,
    IReadOnlyList<AliasSpec> Aliases,
    bool RequiresOutputAllocator,
    bool? UnownedOutputs
);
