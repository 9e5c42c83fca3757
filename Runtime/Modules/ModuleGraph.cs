using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>A module whose engines are loaded: every tensor by index, and how segments are wired to them.</summary>
/// <remarks>Immutable; made by <see cref="ModuleGraphBuilder"/>.</remarks>
internal sealed record ModuleGraph(ModuleSpec Spec, GraphTensor[] Tensors, int[] Inputs, int[] Outputs, GraphSegment[] Segments)
{
    /// <summary>Ordinals relative to the home device, each once, home first.</summary>
    public int[] RelativeOrdinals { get; } =
    [0, .. Segments.Select(segment => segment.RelativeOrdinal).Where(ordinal => ordinal != 0).Distinct().Order()];

    /// <summary>An output's size depends on data, so the module's shapes are not known before it runs.</summary>
    public bool HasDataDependentShapes => Tensors.Any(tensor => tensor.IsDataDependent);

    public ModelVersion Model => Spec.Model;

    /// <summary>The tensor whose memory this one shares; itself when it has its own.</summary>
    public int RootOf(int tensor)
    {
        while (Tensors[tensor].AliasOf >= 0)
        {
            tensor = Tensors[tensor].AliasOf;
        }

        return tensor;
    }
}

/// <summary>One tensor of a module: an input of the module, or assigned by one segment.</summary>
/// <param name="Symbols">Of a manifest's input, by axis: dimensions of one name must be equal in a call. Empty elsewhere.</param>
/// <param name="Producer">Index of the segment that assigns it; -1 for inputs of the module.</param>
/// <param name="AliasOf">Index of the tensor whose memory it shares; -1 when it has its own.</param>
internal sealed record GraphTensor(
    string Name,
    ElementType Type,
    TensorShape Shape,
    IReadOnlyList<string> Symbols,
    int Producer,
    int AliasOf
)
{
    public bool IsOutput { get; init; }

    /// <summary>Shapes the manifest admits; null where it states none.</summary>
    public ProfileRange? Range { get; init; }

    /// <summary>Written in place by some segment: bound directly everywhere, never staged, copied or moved.</summary>
    public bool IsAliased { get; init; }

    public bool IsShapeTensor { get; init; }

    public bool IsDataDependent { get; init; }

    /// <summary>Bytes an address must be a multiple of, for every segment that uses it.</summary>
    public int Alignment { get; init; } = 1;

    public TensorSpec ToSpec() => new(Name, Type, Shape);
}

/// <summary>How one segment is wired: tensor indexes in the order of its engine's inputs and outputs.</summary>
internal sealed record GraphSegment(SegmentDefinition Definition, int[] Inputs, int[] Outputs)
{
    public string Name => Definition.Spec.Name;

    public int RelativeOrdinal => Definition.Spec.RelativeOrdinal;

    /// <summary>Results go to the caller, so that a pre-allocated set is replaced after each call instead of overwritten.</summary>
    public bool UnownedOutputs { get; init; }

    public bool RequiresOutputAllocator { get; init; }
}
