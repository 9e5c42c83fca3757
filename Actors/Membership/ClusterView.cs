using System.Collections.ObjectModel;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Membership;

/// <summary>All nodes as last heard of. Immutable.</summary>
/// <param name="Nodes">Newest snapshot of each member, this node first.</param>
/// <param name="Unreachable">Members known but not reachable at present.</param>
public sealed record ClusterView(IReadOnlyList<NodeSnapshot> Nodes, IReadOnlyList<NodeId> Unreachable)
{
    /// <summary>Of each name whose highest version has not taken over on this node the newest that has.</summary>
    public IReadOnlyDictionary<string, int> Newest { get; init; } = ReadOnlyDictionary<string, int>.Empty;

    /// <summary>The contents that live under a name, whoever has them: what a load of what is there now replaces.</summary>
    public ContentHash[] ContentsOf(string name) =>
        [
            .. Nodes
                .SelectMany(node => node.Models)
                .Where(model => model.Model.Name == name && model.State != ModelState.Unavailable && model.Model.Hash != default)
                .Select(model => model.Model.Hash)
                .Distinct(),
        ];
}
