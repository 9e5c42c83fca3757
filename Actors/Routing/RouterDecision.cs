using System.Diagnostics;
using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

internal enum RouterAction
{
    AnswerSink,
    AnswerOrigin,
    Dispatch,
    Send,
    Drop,
    Abandon,
    Introduce,
    TellResidency,
    TellGuilty,
    AnswerModels,
    PublishView,
}

/// <summary>One thing a router's core wants done; the actor applies them in order. A value, so that deciding allocates nothing.</summary>
internal readonly record struct RouterDecision : IDecision<IRouterShell>
{
    private readonly object? _target;
    private readonly object _message;

    private RouterDecision(RouterAction action, object message, object? target = null, int ordinal = -1, NodeId node = default)
    {
        Action = action;
        _message = message;
        _target = target;
        Ordinal = ordinal;
        Node = node;
    }

    public RouterAction Action { get; }

    /// <summary>The GPU of this node that is told; -1 where none is.</summary>
    public int Ordinal { get; }

    /// <summary>The node that is told.</summary>
    public NodeId Node { get; }

    public IForwardOrigin? Origin => _target as IForwardOrigin;

    public ForwardReply? Reply => _message as ForwardReply;

    public ForwardOutcome? Outcome => _message as ForwardOutcome;

    public DispatchForward? Dispatched => _message as DispatchForward;

    public RouteForward? Route => _message as RouteForward;

    public static RouterDecision AnswerSink(IForwardSink sink, ForwardReply reply) => new(RouterAction.AnswerSink, reply, sink);

    public static RouterDecision AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome) =>
        new(RouterAction.AnswerOrigin, outcome, origin);

    public static RouterDecision Dispatch(int ordinal, DispatchForward forward) => new(RouterAction.Dispatch, forward, ordinal: ordinal);

    public static RouterDecision Send(NodeId node, RouteForward route) => new(RouterAction.Send, route, node: node);

    public static RouterDecision Drop(int ordinal, RequestId id, int attempt) =>
        new(RouterAction.Drop, new DropForward(id, attempt), ordinal: ordinal);

    public static RouterDecision Abandon(NodeId node, RequestId id, int attempt) =>
        new(RouterAction.Abandon, new AbandonForward(id, attempt), node: node);

    public static RouterDecision Introduce(NodeId node, NodeSnapshot own) => new(RouterAction.Introduce, own, node: node);

    /// <param name="message">A page, or the wish for pages.</param>
    public static RouterDecision TellResidency(NodeId node, IRouterMessage message) => new(RouterAction.TellResidency, message, node: node);

    public static RouterDecision TellGuilty(NodeId node, GuiltyForwards guilty) => new(RouterAction.TellGuilty, guilty, node: node);

    public static RouterDecision AnswerModels(IReplyTo<ModelReply> asker, ModelReply reply) => new(RouterAction.AnswerModels, reply, asker);

    public static RouterDecision PublishView(ClusterView view) => new(RouterAction.PublishView, view);

    public void ApplyTo(IRouterShell shell)
    {
        switch (Action)
        {
            case RouterAction.AnswerSink:
                shell.AnswerSink((IForwardSink)_target!, (ForwardReply)_message);
                break;
            case RouterAction.AnswerOrigin:
                shell.AnswerOrigin((IForwardOrigin)_target!, (ForwardOutcome)_message);
                break;
            case RouterAction.Dispatch:
                shell.Dispatch(Ordinal, (DispatchForward)_message);
                break;
            case RouterAction.Send:
                shell.Send(Node, (RouteForward)_message);
                break;
            case RouterAction.Drop:
                shell.Drop(Ordinal, (DropForward)_message);
                break;
            case RouterAction.Abandon:
                shell.Abandon(Node, (AbandonForward)_message);
                break;
            case RouterAction.Introduce:
                shell.Introduce(Node, (NodeSnapshot)_message);
                break;
            case RouterAction.TellResidency:
                shell.TellResidency(Node, (IRouterMessage)_message);
                break;
            case RouterAction.TellGuilty:
                shell.TellGuilty(Node, (GuiltyForwards)_message);
                break;
            case RouterAction.AnswerModels:
                shell.AnswerModels((IReplyTo<ModelReply>)_target!, (ModelReply)_message);
                break;
            case RouterAction.PublishView:
                shell.PublishView((ClusterView)_message);
                break;
            default:
                throw new UnreachableException();
        }
    }
}
