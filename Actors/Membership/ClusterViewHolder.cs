using Troupe.Messages.Identity;
using Troupe.Messages.Models;

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

    /// <summary>What other nodes say of this version, those that have it.</summary>
    public IReadOnlyList<ModelSnapshot> Elsewhere(ModelReference model) =>
        [
            .. _view
                .Nodes.Where(node => node.Node != self)
                .SelectMany(node => node.Models)
                .Where(known =>
                    known.Model.Name == model.Name && known.Model.Number == model.Number && known.State != ModelState.Unavailable
                ),
        ];
}
