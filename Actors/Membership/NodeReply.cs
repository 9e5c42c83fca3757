using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;

namespace Troupe.Actors.Membership;

/// <summary>Another node's edge that asked, as node, life and request: an answer to a former life of it goes nowhere.</summary>
internal sealed class NodeReply(IPeers<IWireMessage> gateways, NodeId node, RequestId id) : IReplyTo<ModelReply>
{
    public void Answer(ModelReply reply) => gateways.Tell(node, id.Origin, new ModelsAnswered(id, reply));
}
