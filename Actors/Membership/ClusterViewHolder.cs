using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Membership;

/// <summary>The view of the cluster, written by the router and read by everybody.</summary>
/// <remarks><b>Thread</b> any; replaced whole.</remarks>
internal sealed class ClusterViewHolder(NodeId self)
{
    private volatile ClusterView _view = new([], []);

    public ClusterView View
    {
        get => _view;
        set => _view = value;
    }

    /// <summary>What another node says of this version, if one has it.</summary>
    public ModelSnapshot? Elsewhere(ModelReference model)
    {
        foreach (NodeSnapshot node in _view.Nodes)
        {
            if (
                node.Node != self
                && Array.Find(node.Models, known => known.Model.Name == model.Name && known.Model.Number == model.Number) is { } found
            )
            {
                return found;
            }
        }

        return null;
    }
}
