using Troupe.Messages.Identity;

namespace Troupe.Actors.Modes;

/// <summary>The order in which answers list nodes and GPUs.</summary>
internal static class ModeOrder
{
    public static Comparer<NodeId> Nodes { get; } =
        Comparer<NodeId>.Create((left, right) => string.CompareOrdinal(left.Address, right.Address));

    public static Comparer<GpuId> Gpus { get; } =
        Comparer<GpuId>.Create(
            (left, right) => Nodes.Compare(left.Node, right.Node) is not 0 and var order ? order : left.Ordinal.CompareTo(right.Ordinal)
        );
}
