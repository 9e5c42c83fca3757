using Akka.Actor;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>The edge's door for requests that are answered by task and not by sink: makes a conversation for each.</summary>
/// <remarks><b>Owns</b> the conversations. <b>Thread</b> its mailbox's. <b>Blocks</b> never.</remarks>
internal sealed class GatewayActor : ReceiveActor
{
    public GatewayActor()
    {
        Receive<Converse>(converse => Context.ActorOf(ConversationActor.Props(converse)));
        Receive<PeerUnreachable>(peer => EndWith(peer.Node));
        Receive<PeerGone>(peer => EndWith(peer.Node));
        ReceiveAny(_ => { });
    }

    public static Props Props() => Akka.Actor.Props.Create<GatewayActor>();

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    /// <summary>Ends the conversations with a node that cannot be reached.</summary>
    private static void EndWith(NodeId node)
    {
        foreach (IActorRef conversation in Context.GetChildren())
        {
            conversation.Tell(new ConversationLost(node));
        }
    }
}

/// <summary>Edge to gateway: put this request to that actor and hand its answer on.</summary>
/// <param name="Node">The node it goes to; null for this one.</param>
internal sealed record Converse(
    INodeRequest Request,
    ICanTell Target,
    NodeId? Node,
    IConversationEnd End,
    TimeSpan Bound,
    CancellationToken Cancellation
) : INoSerializationVerificationNeeded;

/// <summary>Gateway to conversation: this node cannot be reached.</summary>
internal sealed record ConversationLost(NodeId Node) : INoSerializationVerificationNeeded;
