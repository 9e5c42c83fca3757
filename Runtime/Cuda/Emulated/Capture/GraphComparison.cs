namespace Troupe.Runtime.Cuda.Emulated.Capture;

/// <summary>Decides whether an executable graph can take the values of another graph in place: same nodes, same edges, same
/// kinds.</summary>
internal static class GraphComparison
{
    public static CuGraphExecUpdateResult Compare(IReadOnlyList<GraphNode> current, IReadOnlyList<GraphNode> next)
    {
        if (current.Count != next.Count)
        {
            return CuGraphExecUpdateResult.TopologyChanged;
        }

        for (int i = 0; i < current.Count; i++)
        {
            if (current[i].Command.Kind != next[i].Command.Kind)
            {
                return CuGraphExecUpdateResult.NodeTypeChanged;
            }

            if (!current[i].DependsOn.AsSpan().SequenceEqual(next[i].DependsOn))
            {
                return CuGraphExecUpdateResult.TopologyChanged;
            }
        }

        for (int i = 0; i < current.Count; i++)
        {
            if (current[i].Context != next[i].Context)
            {
                return CuGraphExecUpdateResult.ParametersChanged;
            }
        }

        return CuGraphExecUpdateResult.Success;
    }
}
