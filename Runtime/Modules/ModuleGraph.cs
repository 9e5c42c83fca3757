using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>A module whose engines are loaded: every tensor by index, and how segments are wired to them.</summary>
/// <remarks>Immutable; made by <see cref="ModuleGraphBuilder"/>.</remarks>
internal sealed record ModuleGraph(
    ModuleSpec Spec,
    Table<TensorIndex, GraphTensor> Tensors,
    TensorIndex[] Inputs,
    TensorIndex[] Outputs,
    Table<SegmentIndex, GraphSegment> Segments
)
{
    /// <summary>Ordinals relative to the home device, each once, home first.</summary>
    public Table<DeviceIndex, int> RelativeOrdinals { get; } =
        new([0, .. Segments.Items.Select(segment => segment.RelativeOrdinal).Where(ordinal => ordinal != 0).Distinct().Order()]);

    /// <summary>An output's size depends on data, so the module's shapes are not known before it runs.</summary>
    public bool HasDataDependentShapes => Tensors.Items.Any(tensor => tensor.IsDataDependent);

    public ModelVersion Model => Spec.Model;

    /// <summary>The tensor whose memory this one shares; itself when it has its own.</summary>
    public TensorIndex RootOf(TensorIndex tensor)
    {
        while (Tensors[tensor].AliasOf is { } source)
        {
            tensor = source;
        }

        return tensor;
    }
}

/// <summary>One tensor of a module: an input of the module, or assigned by one segment.</summary>
/// <param name="Symbols">Of a manifest's input, by axis: dimensions of one name must be equal in a call. Empty elsewhere.</param>
/// <param name="Producer">The segment that assigns it; null for inputs of the module.</param>
/// <param name="AliasOf">The tensor whose memory it shares; null when it has its own.</param>
internal sealed record GraphTensor(
    string Name,
    ElementType Type,
    TensorShape Shape,
    IReadOnlyList<string> Symbols,
    SegmentIndex? Producer,
    TensorIndex? AliasOf
)
{
    public bool IsOutput { get; init; }

    /// <summary>It lies in host memory, and is on no device at any time.</summary>
    public bool IsOnHost => Type == ElementType.Bytes;

    /// <summary>Shapes the manifest admits; null where it states none.</summary>
    public ProfileRange? Range { get; init; }

    /// <summary>Written in place by some segment: bound directly everywhere, never staged, copied or moved.</summary>
    public bool IsAliased { get; init; }

    public bool IsShapeTensor { get; init; }

    public bool IsDataDependent { get; init; }

    /// <summary>What an input is where the caller gives nothing; null where it has to be given.</summary>
    public Tensor? Default { get; init; }

    /// <summary>Not even the rank is known before a call; <see cref="Shape"/> shows one free dimension.</summary>
    public bool IsRankFree { get; init; }

    /// <summary>Bytes an address must be a multiple of, for every segment that uses it.</summary>
    public int Alignment { get; init; } = 1;
}

/// <summary>How one segment is wired: tensors in the order of its engine's inputs and outputs.</summary>
internal sealed record GraphSegment(SegmentDefinition Definition, TensorIndex[] Inputs, TensorIndex[] Outputs)
{
    public string Name => Definition.Spec.Name;

    public int RelativeOrdinal => Definition.Spec.RelativeOrdinal;

    /// <summary>Results go to the caller, so that a pre-allocated set is replaced after each call instead of overwritten.</summary>
    public bool UnownedOutputs { get; init; }

    public bool RequiresOutputAllocator { get; init; }
}
