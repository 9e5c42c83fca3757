using System.Globalization;
using System.Text;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Capture;

/// <summary>A recorded graph: nodes in recording order, which is a legal order.</summary>
internal sealed class EmulatedGraph(EmulatedCudaContext context) : EmulatedObject
{
    public EmulatedCudaContext Context { get; } = context;

    public List<GraphNode> Nodes { get; } = [];

    /// <summary>The graph in the dot language.</summary>
    public string ToDot()
    {
        var text = new StringBuilder("digraph {\n");
        for (int i = 0; i < Nodes.Count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  n{i} [label=\"{Nodes[i].Command.Describe()}\"];\n");
            foreach (int before in Nodes[i].DependsOn)
            {
                text.Append(CultureInfo.InvariantCulture, $"  n{before} -> n{i};\n");
            }
        }

        return text.Append("}\n").ToString();
    }

    public override string Describe() => $"graph of {Nodes.Count} nodes on device {Context.Device.Ordinal}";
}
