using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>What a router's decisions ask of whoever carries them out.</summary>
internal interface IRouterShell : IShell<RouterDecision>
{
    /// <summary>Gives the edge's sink its one terminal reply.</summary>
    void AnswerSink(IForwardSink sink, ForwardReply reply);

    /// <summary>Tells a remote origin how its attempt ended.</summary>
    void AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome);

    /// <summary>Hands a forward to a GPU of this node.</summary>
    void Dispatch(int ordinal, DispatchForward forward);

    /// <summary>Hands a forward to another node's router.</summary>
    void Send(NodeId node, RouteForward route);

    /// <summary>Takes a forward whose caller has been answered out of a GPU's queue.</summary>
    void Drop(int ordinal, DropForward drop);

    /// <summary>The same, on another node.</summary>
    void Abandon(NodeId node, AbandonForward abandon);

    /// <summary>Tells a member how this node is.</summary>
    void Introduce(NodeId node, NodeSnapshot own);

    /// <summary>Tells a node of models that do not travel with snapshots, or asks it for its own.</summary>
    void TellResidency(NodeId node, IRouterMessage message);

    /// <summary>Tells a member which forwards are refused.</summary>
    void TellGuilty(NodeId node, GuiltyForwards guilty);

    /// <summary>Answers a load or unload, now that those here see what it brought about.</summary>
    void AnswerModels(IReplyTo<ModelReply> asker, ModelReply reply);

    /// <summary>Shows the edge the cluster as it is now.</summary>
    void PublishView(ClusterView view);
}
