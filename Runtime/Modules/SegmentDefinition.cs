using Troupe.Runtime.Engines;

namespace Troupe.Runtime.Modules;

/// <summary>One segment as it was read: its node in the graph, its bytes, and what the manifest says of its outputs.</summary>
/// <param name="Path">Absolute path of the file.</param>
/// <param name="RequiresOutputAllocator">The engine was built to run with an output allocator only.</param>
/// <param name="UnownedOutputs">Its outputs are handed to the caller, so that a pre-allocated set is never written twice; null: true where they are outputs of the module and the manifest has several segments.</param>
internal sealed record SegmentDefinition(
    SegmentSpec Spec,
    string Path,
    ReadOnlyMemory<byte> Bytes,
    IReadOnlyList<AliasSpec> Aliases,
    bool RequiresOutputAllocator,
    bool? UnownedOutputs);
