using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>An instantiated graph: its own copy of the nodes, so that the graph may be destroyed or recorded anew.</summary>
internal sealed class EmulatedGraphExec(EmulatedCudaContext context, GraphNode[] nodes) : EmulatedObject
{
    public EmulatedCudaContext Context { get; } = context;

    public GraphNode[] Nodes { get; set; } = nodes;

    /// <summary>The last queued work of its last launch: an executable never overlaps itself.</summary>
    public WorkItem? LastLaunch { get; set; }

    /// <summary>Components of the vector clocks for branches that run beside the launching stream.</summary>
    public int[] BranchTimelines { get; set; } = [];

    public override string Describe() => $"executable graph of {Nodes.Length} nodes on device {Context.Device.Ordinal}";
}
