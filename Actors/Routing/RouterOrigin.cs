using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>Another node's router as the origin of forwards that run here. Outcomes go to it straight from the GPU, in the name of this
/// node's router.</summary>
/// <param name="life">The node's incarnation when it sent the forward; null when it was not known. Another life did not ask.</param>
internal sealed class RouterOrigin(NodeId node, NodeIncarnation? life, IPeers<IRouterMessage> peers) : IForwardOrigin
{
    public NodeIncarnation? Life => life;

    public void Answer(ForwardOutcome outcome) => peers.Tell(node, life, PayloadLimit.Checked(outcome));
}
