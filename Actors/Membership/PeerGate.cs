using System.Collections.Concurrent;
using Akka.Actor;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>The only place that knows where a node's peers are in Akka: by their path until they have spoken, then by their
/// reference.</summary>
/// <remarks><b>Owns</b> what it learnt. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
/// <param name="name">Of the actor below the user guardian, the same on every node.</param>
/// <param name="self">In whose name is told: the actor of that name on this node.</param>
internal sealed class PeerGate<TMessage>(ActorSystem system, string name, IActorRef self) : IPeers<TMessage>
    where TMessage : class
{
    private readonly ConcurrentDictionary<NodeId, Known> _known = new();

    public void Tell(NodeId node, TMessage message) => Tell(node, null, message);

    public void Tell(NodeId node, NodeIncarnation? life, TMessage message)
    {
        if (!_known.TryGetValue(node, out Known? known))
        {
            system.ActorSelection(new RootActorPath(NodeAddress.Of(node, Own)) / "user" / name).Tell(message, self);
        }
        else if (life is null || known.Life == life)
        {
            known.Peer.Tell(message, self);
        }
    }

    /// <summary>A peer has spoken and said which life of its node it is in.</summary>
    public void Learn(NodeId node, NodeIncarnation life, IActorRef peer)
    {
        if (!_known.TryGetValue(node, out Known? known) || known.Life != life || !known.Peer.Equals(peer))
        {
            _known[node] = new Known(life, peer);
        }
    }

    public void Forget(NodeId node) => _known.TryRemove(node, out _);

    private Address Own => ((ExtendedActorSystem)system).Provider.DefaultAddress;

    private sealed record Known(NodeIncarnation Life, IActorRef Peer);
}
