using Troupe.Messages.Identity;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>A module read from disk and consistent in itself, before any engine was loaded.</summary>
/// <param name="Hash">SHA-256 over the manifest and every file it names, in order; with a configuration over that and its bytes.</param>
/// <param name="IsLone">One engine without a manifest: its tensors are whatever the engine says.</param>
/// <param name="Segments">In the order they run.</param>
internal sealed record ModuleDefinition(
    ContentHash Hash,
    bool IsLone,
    IReadOnlyList<ModuleTensor> Inputs,
    IReadOnlyList<ModuleTensor> Outputs,
    IReadOnlyList<SegmentDefinition> Segments
);
