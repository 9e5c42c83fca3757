using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Graphs;

/// <summary>What one graph records: a single segment, or the whole module.</summary>
/// <param name="First">Index of its first segment.</param>
/// <param name="Count">Number of segments.</param>
/// <param name="Device">Index of the lane's device whose stream records and replays it.</param>
/// <param name="Inputs">Tensors it reads and does not compute.</param>
/// <param name="Outputs">Tensors it computes that are needed outside.</param>
internal sealed record GraphUnit(int First, int Count, int Device, int[] Inputs, int[] Outputs)
{
    public bool IsWholeModule { get; private init; }

    /// <summary>Launches before a capture: TensorRT defers work to the first enqueue after a change; a whole module settles in three
    /// (torch_tensorrt).</summary>
    public int WarmUps => IsWholeModule ? 3 : 1;

    public static GraphUnit OfSegment(ModuleGraph graph, int segment, int device) =>
        new(
            segment,
            1,
            device,
            [.. graph.Segments[segment].Inputs.Distinct()],
            [.. graph.Segments[segment].Outputs.Where(tensor => graph.Tensors[tensor].AliasOf < 0)]
        );

    public static GraphUnit OfModule(ModuleGraph graph) =>
        new(
            0,
            graph.Segments.Length,
            0,
            graph.Inputs,
            [.. graph.Outputs.Select(graph.RootOf).Where(root => graph.Tensors[root].Producer >= 0).Distinct()]
        )
        {
            IsWholeModule = true,
        };
}
