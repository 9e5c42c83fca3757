using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Membership;

/// <summary>All nodes as last heard of. Immutable.</summary>
/// <param name="Nodes">Newest snapshot of each member, this node first.</param>
/// <param name="Unreachable">Members known but not reachable at present.</param>
public sealed record ClusterView(IReadOnlyList<NodeSnapshot> Nodes, IReadOnlyList<NodeId> Unreachable);
