using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>One segment as it was read: its node in the graph, its bytes, and what the manifest says of its outputs.</summary>
/// <param name="Path">Absolute path of the file.</param>
/// <param name="RequiresOutputAllocator">The engine was built to run with an output allocator only.</param>
/// <param name="UnownedOutputs">Its outputs are handed to the caller, so that a pre-allocated set is never written twice; null: true where
/// they are outputs of the module and the manifest has several segments.</param>
internal sealed record SegmentDefinition(
    SegmentSpec Spec,
    string Path,
    ReadOnlyMemory<byte> Bytes,
    IReadOnlyList<AliasSpec> Aliases,
    bool RequiresOutputAllocator,
    bool? UnownedOutputs
)
{
    /// <summary>The engine's own names of what the segment reads and writes, in the segment's order; null where they are the module's
    /// names. Both empty: told by the index at their end.</summary>
    public BindingNames? Bindings { get; init; }

    /// <summary>With no names given, an engine whose own do not end in indexes keeps the order it has itself.</summary>
    public bool IndexesAreOptional { get; init; }

    /// <summary>The device the engine was built for; null where nothing is told.</summary>
    public DeviceStamp? BuiltOn { get; init; }

    /// <summary>It was built for one kind of GPU or, where true, for every one of compute capability 8.0 and above.</summary>
    public bool HardwareCompatible { get; init; }

    /// <summary>What was read otherwise than it is written, for people.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Its contexts begin with scratch memory per call, until a mode says otherwise.</summary>
    public bool DynamicWorkspace { get; init; }
}
