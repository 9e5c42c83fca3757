using System.Globalization;
using Akka.Actor;
using Troupe.Messages.Failures;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;

namespace Troupe.Actors.Membership;

/// <summary>The edge's door for requests that are answered by task and not by sink: makes a conversation for each. Requests for another
/// node go from gateway to gateway, by number.</summary>
/// <remarks><b>Owns</b> the conversations. <b>Thread</b> its mailbox's. <b>Blocks</b> never.</remarks>
internal sealed class GatewayActor : EntranceActor
{
    private readonly GatewayState _state;
    private readonly ICanTell _models;
    private readonly Func<ModelVersion, byte[]?> _written;
    private readonly PeerGate<IWireMessage> _peers;

    /// <param name="models">This node's model directory.</param>
    /// <param name="written">How a version that is loaded here is configured, as it travels; null of others.</param>
    public GatewayActor(GatewayState state, ICanTell models, Func<ModelVersion, byte[]?> written)
    {
        _state = state;
        _models = models;
        _written = written;
        _peers = new PeerGate<IWireMessage>(Context.System, NodeAddress.GatewayName, Self);
        Receive<Converse>(Begin);
        Receive<AskModels>(Ask);
        Receive<AskConfiguration>(Ask);
        Receive<ModelsAnswered>(answered => End(answered.Id, answered.Reply));
        Receive<ConfigurationPart>(part => End(part.Id, part));
        Receive<PeerUnreachable>(peer => EndWith(peer.Node));
        Receive<PeerGone>(peer =>
        {
            EndWith(peer.Node);
            _peers.Forget(peer.Node);
        });
        ReceiveAny(_ => { });
    }

    public static Props Props(GatewayState state, ICanTell models, Func<ModelVersion, byte[]?> written) =>
        Akka.Actor.Props.Create<GatewayActor>(state, models, written);

    protected override bool Takes(object message) => message is AskModels or ModelsAnswered or AskConfiguration or ConfigurationPart;

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Begin(Converse converse)
    {
        RequestId id = _state.NextId();
        IActorRef conversation = Context.ActorOf(ConversationActor.Props(converse), Name(id));
        switch (converse)
        {
            case { Node: null }:
                (converse.Target ?? _models).Tell(converse.Request, conversation);
                break;
            case { Node: { } node, Request: LoadModel load }:
                _peers.Tell(node, new AskModels(id, _state.Node, load, null));
                break;
            case { Node: { } node, Request: UnloadModel unload }:
                _peers.Tell(node, new AskModels(id, _state.Node, null, unload));
                break;
            case { Node: { } node, Request: GetConfigurationPart part }:
                _peers.Tell(node, new AskConfiguration(id, _state.Node, part.Model, part.Offset));
                break;
            default:
                converse.End.Fail(FailureKind.NotSupported, $"Node {converse.Node} cannot be asked this; ask it at its own edge.");
                Context.Stop(conversation);
                break;
        }
    }

    /// <summary>Another node asks; what it says of itself is only how it is answered.</summary>
    private void Ask(AskModels ask)
    {
        _peers.Learn(ask.From, ask.Id.Origin, Sender);
        IModelRequest request = ask.Load is { } load ? load : ask.Unload!;
        _models.Tell(new ModelsAsked(request, new NodeReply(_peers, ask.From, ask.Id)), Self);
    }

    private void Ask(AskConfiguration ask)
    {
        _peers.Learn(ask.From, ask.Id.Origin, Sender);
        ReadOnlyMemory<byte> whole = _written(ask.Model);
        ReadOnlyMemory<byte> rest = whole[Math.Min(ask.Offset, whole.Length)..];
        ReadOnlyMemory<byte> part = rest[..Math.Min(rest.Length, ConfigurationPart.MostBytes)];
        _peers.Tell(ask.From, ask.Id.Origin, new ConfigurationPart(ask.Id, whole.Length, part));
    }

    private void End(RequestId id, object answer)
    {
        if (id.Origin == _state.Life)
        {
            Context.Child(Name(id)).Tell(answer, Self);
        }
    }

    private static string Name(RequestId id) => id.Counter.ToString(CultureInfo.InvariantCulture);

    /// <summary>Ends the conversations with a node that cannot be reached.</summary>
    private static void EndWith(NodeId node)
    {
        foreach (IActorRef conversation in Context.GetChildren())
        {
            conversation.Tell(new ConversationLost(node));
        }
    }
}

/// <summary>Edge to gateway: put this request to that actor, or to another node, and hand its answer on.</summary>
/// <param name="Target">Of this node; null for its model directory.</param>
/// <param name="Node">The node it goes to; null for this one.</param>
internal sealed record Converse(
    INodeRequest Request,
    ICanTell? Target,
    NodeId? Node,
    IConversationEnd End,
    TimeSpan Bound,
    CancellationToken Cancellation
) : INoSerializationVerificationNeeded;

/// <summary>Gateway to conversation: this node cannot be reached.</summary>
internal sealed record ConversationLost(NodeId Node) : INoSerializationVerificationNeeded;
