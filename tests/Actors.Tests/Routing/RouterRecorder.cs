using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Routing;
using Troupe.Actors.Tests.Decisions;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Tests.Routing;

/// <summary>Carries out a router's decisions by writing them down, and sinks are answered.</summary>
internal sealed class RouterRecorder : IRouterShell
{
    private readonly List<RouterDecision> _applied = [];

    public DecisionQueue<RouterDecision, IRouterShell> Queue { get; } = new();

    public Plant Plant { get; } = new();

    /// <summary>What other routers were told of guilty and suspect contents.</summary>
    public List<GuiltyForwards> Told { get; } = [];

    /// <summary>Given what other routers are told of this node and its models.</summary>
    public Action<NodeId, IRouterMessage>? OnKnowledge { get; set; }

    /// <summary>Told of a decision that threw.</summary>
    public Action<RouterDecision, Exception>? OnFailed { get; set; }

    /// <summary>Everything decided so far and not cleared.</summary>
    public List<RouterDecision> Applied
    {
        get
        {
            Queue.ApplyTo(this);
            return _applied;
        }
    }

    public void AnswerSink(IForwardSink sink, ForwardReply reply)
    {
        // A sink that throws has heard the reply.
        sink.Complete(reply);
        Note(RouterDecision.AnswerSink(sink, reply));
    }

    public void AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome) => Note(RouterDecision.AnswerOrigin(origin, outcome));

    public void Dispatch(int ordinal, DispatchForward forward) => Note(RouterDecision.Dispatch(ordinal, forward));

    public void Send(NodeId node, RouteForward route) => Note(RouterDecision.Send(node, route));

    public void Drop(int ordinal, DropForward drop) => Note(RouterDecision.Drop(ordinal, drop.Id, drop.Attempt));

    public void Abandon(NodeId node, AbandonForward abandon) => Note(RouterDecision.Abandon(node, abandon.Id, abandon.Attempt));

    public void Introduce(NodeId node, NodeSnapshot own)
    {
        OnKnowledge?.Invoke(node, own);
        Note(RouterDecision.Introduce(node, own));
    }

    public void TellResidency(NodeId node, IRouterMessage message)
    {
        OnKnowledge?.Invoke(node, message);
        Note(RouterDecision.TellResidency(node, message));
    }

    public void TellGuilty(NodeId node, GuiltyForwards guilty)
    {
        Told.Add(guilty);
        Note(RouterDecision.TellGuilty(node, guilty));
    }

    public void AnswerModels(IReplyTo<ModelReply> asker, ModelReply reply) => Note(RouterDecision.AnswerModels(asker, reply));

    public void PublishView(ClusterView view) => Note(RouterDecision.PublishView(view));

    public void Failed(in RouterDecision decision, Exception cause)
    {
        if (OnFailed is null)
        {
            throw new InvalidOperationException($"{decision.Action} failed.", cause);
        }

        OnFailed(decision, cause);
    }

    private void Note(RouterDecision decision)
    {
        Plant.Pass();
        _applied.Add(decision);
    }
}
