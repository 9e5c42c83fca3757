using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

internal enum RouterAction
{
    /// <summary>Give the edge's sink its one terminal reply.</summary>
    AnswerSink,

    /// <summary>Tell a remote origin how its attempt ended.</summary>
    AnswerOrigin,

    /// <summary>Hand a forward to a GPU of this node.</summary>
    Dispatch,

    /// <summary>Hand a forward to another node's router.</summary>
    Send,

    /// <summary>Take a forward whose caller has been answered out of a GPU's queue.</summary>
    Drop,

    /// <summary>The same, on another node.</summary>
    Abandon,
}

/// <summary>One thing a router's core wants done; the actor performs them in order. A value, so that deciding allocates nothing.</summary>
internal readonly record struct RouterDecision(
    RouterAction Action,
    IForwardSink? Sink,
    ForwardReply? Reply,
    IForwardOrigin? Origin,
    ForwardOutcome? Outcome,
    QueuedForward? Queued,
    int Ordinal,
    NodeId Node,
    RouteForward? Route,
    RequestId Id,
    int Attempt
)
{
    public static RouterDecision AnswerSink(IForwardSink sink, ForwardReply reply) =>
        new()
        {
            Action = RouterAction.AnswerSink,
            Sink = sink,
            Reply = reply,
        };

    public static RouterDecision AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome) =>
        new()
        {
            Action = RouterAction.AnswerOrigin,
            Origin = origin,
            Outcome = outcome,
        };

    public static RouterDecision Dispatch(int ordinal, QueuedForward forward) =>
        new()
        {
            Action = RouterAction.Dispatch,
            Ordinal = ordinal,
            Queued = forward,
        };

    public static RouterDecision Send(NodeId node, RouteForward route) =>
        new()
        {
            Action = RouterAction.Send,
            Node = node,
            Route = route,
        };

    public static RouterDecision Drop(int ordinal, RequestId id, int attempt) =>
        new()
        {
            Action = RouterAction.Drop,
            Ordinal = ordinal,
            Id = id,
            Attempt = attempt,
        };

    public static RouterDecision Abandon(NodeId node, RequestId id, int attempt) =>
        new()
        {
            Action = RouterAction.Abandon,
            Node = node,
            Id = id,
            Attempt = attempt,
        };
}
