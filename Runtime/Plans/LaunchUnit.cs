using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>What is launched together, plainly or by one recording: a single segment, or the whole module.</summary>
/// <remarks>Immutable; known by its identity.</remarks>
internal sealed class LaunchUnit
{
    private readonly ModuleLayout _layout;

    private LaunchUnit(
        ModuleLayout layout,
        IndexRange<SegmentIndex> segments,
        DeviceIndex device,
        TensorIndex[] inputs,
        TensorIndex[] outputs,
        bool isWholeModule
    )
    {
        _layout = layout;
        Segments = segments;
        Device = device;
        Inputs = inputs;
        Outputs = outputs;
        IsWholeModule = isWholeModule;
    }

    public IndexRange<SegmentIndex> Segments { get; }

    /// <summary>The device whose stream records and replays it.</summary>
    public DeviceIndex Device { get; }

    /// <summary>Tensors it reads and does not compute.</summary>
    public TensorIndex[] Inputs { get; }

    /// <summary>Tensors it computes that are needed outside.</summary>
    public TensorIndex[] Outputs { get; }

    public bool IsWholeModule { get; }

    /// <summary>Launches before a capture: TensorRT defers work to the first enqueue after a change; a whole module needs three
    /// (torch_tensorrt).</summary>
    public int WarmUps => IsWholeModule ? 3 : 1;

    public static LaunchUnit OfSegment(ModuleLayout layout, SegmentIndex segment)
    {
        GraphSegment wiring = layout.Graph.Segments[segment];
        return new LaunchUnit(
            layout,
            new IndexRange<SegmentIndex>(segment.Value, 1),
            layout.DeviceOf(segment),
            [.. wiring.Inputs.Distinct()],
            [.. wiring.Outputs.Where(layout.HasOwnMemory)],
            isWholeModule: false
        );
    }

    public static LaunchUnit OfModule(ModuleLayout layout)
    {
        ModuleGraph graph = layout.Graph;
        return new LaunchUnit(
            layout,
            graph.Segments.Indices,
            DeviceIndex.Home,
            graph.Inputs,
            [.. graph.Outputs.Select(layout.RootOf).Where(root => graph.Tensors[root].Producer is not null).Distinct()],
            isWholeModule: true
        );
    }

    /// <summary>The device on which the unit finds a tensor or makes it.</summary>
    public DeviceIndex OriginOf(TensorIndex tensor) =>
        _layout.Graph.Tensors[tensor].Producer is { } producer && Segments.Contains(producer) ? _layout.DeviceOf(producer) : Device;
}
