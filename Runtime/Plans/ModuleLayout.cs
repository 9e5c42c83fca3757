using Troupe.Messages.Tensors;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>On which device each tensor of a module comes into being, whose memory it shares and who owns that, read off its graph
/// once.</summary>
/// <remarks>Immutable; one per loaded module, read by its lanes and their recordings. <b>Thread</b> any.</remarks>
internal sealed class ModuleLayout
{
    private readonly Table<SegmentIndex, DeviceIndex> _devices;
    private readonly Table<SegmentIndex, bool> _writesInPlace;
    private readonly Table<TensorIndex, DeviceIndex> _origins;
    private readonly Table<TensorIndex, TensorIndex> _roots;
    private readonly Table<TensorIndex, bool> _isHandedOver;

    public ModuleLayout(ModuleGraph graph)
    {
        Graph = graph;
        _devices = new(graph.Segments.Count);
        _writesInPlace = new(graph.Segments.Count);
        foreach (SegmentIndex segment in graph.Segments.Indices)
        {
            GraphSegment wiring = graph.Segments[segment];
            _devices[segment] = DeviceIndex.Of(Array.IndexOf(graph.RelativeOrdinals.Items, wiring.RelativeOrdinal));
            _writesInPlace[segment] = wiring.Outputs.Any(tensor => graph.Tensors[tensor].AliasOf is not null);
        }

        HasStrings = graph.Tensors.Items.Any(tensor => tensor.IsOnHost);
        _origins = new(graph.Tensors.Count);
        _roots = new(graph.Tensors.Count);
        _isHandedOver = new(graph.Tensors.Count);
        foreach (TensorIndex tensor in graph.Tensors.Indices)
        {
            _origins[tensor] = graph.Tensors[tensor].Producer is { } producer ? _devices[producer] : DeviceIndex.Home;
            _roots[tensor] = graph.RootOf(tensor);
        }

        foreach (TensorIndex output in graph.Outputs)
        {
            _isHandedOver[_roots[output]] = true;
        }

        HandedOver =
        [
            .. graph.Outputs.Select(RootOf).Distinct().Where(root => graph.Tensors[root].Producer is not null).OrderBy(root => root.Value),
        ];
        FixedInputs = graph.Inputs.All(input => graph.Tensors[input] is { Shape.IsConcrete: true, IsAliased: false, IsShapeTensor: false })
            ? [.. graph.Inputs.Select(input => graph.Tensors[input].Shape)]
            : null;
        Whole = LaunchUnit.OfModule(this);
        Single = new([.. graph.Segments.Items.Select((_, segment) => LaunchUnit.OfSegment(this, SegmentIndex.Of(segment)))]);
    }

    public ModuleGraph Graph { get; }

    /// <summary>Devices the module lies on.</summary>
    public int DeviceCount => Graph.RelativeOrdinals.Count;

    /// <summary>Tensors that segments make and the caller gets: each lies in a block that the caller will own.</summary>
    public TensorIndex[] HandedOver { get; }

    /// <summary>The inputs' shapes where every one is fixed and none is written in place or read for its values, so that a forward can be
    /// prepared before there is one; else null.</summary>
    public TensorShape[]? FixedInputs { get; }

    /// <summary>All segments, launched together.</summary>
    public LaunchUnit Whole { get; }

    /// <summary>Each segment, launched alone.</summary>
    public Table<SegmentIndex, LaunchUnit> Single { get; }

    /// <summary>Some tensor is of type BYTES, which lies in host memory: the module is computed while it is submitted.</summary>
    public bool HasStrings { get; }

    /// <summary>The device a segment runs on.</summary>
    public DeviceIndex DeviceOf(SegmentIndex segment) => _devices[segment];

    /// <summary>The device on which a tensor comes into being: home for the module's inputs.</summary>
    public DeviceIndex OriginOf(TensorIndex tensor) => _origins[tensor];

    /// <summary>The tensor whose memory this one shares; itself when it has its own.</summary>
    public TensorIndex RootOf(TensorIndex tensor) => _roots[tensor];

    public bool HasOwnMemory(TensorIndex tensor) => _roots[tensor] == tensor;

    /// <summary>Whether the caller gets what lies in this tensor's memory.</summary>
    public bool IsHandedOver(TensorIndex tensor) => _isHandedOver[tensor];

    /// <summary>Whether a segment writes an output in place of an input.</summary>
    public bool WritesInPlace(SegmentIndex segment) => _writesInPlace[segment];
}
