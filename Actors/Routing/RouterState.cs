using Akka.Actor;
using Troupe.Actors.Decisions;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>What a router knows and owes; it outlives a restart of the actor, so that no accepted forward is forgotten.</summary>
/// <remarks><b>Thread</b> the router's.</remarks>
internal sealed class RouterState
{
    public RouterState(NodeId self, TimeSpan snapshotMaxAge)
    {
        Table = new RoutingTable(self, snapshotMaxAge);
        Origin = new RouterCore(Table, Decisions);
        Home = new HomeCore(Table, Decisions);
    }

    public DecisionQueue<RouterDecision, IRouterShell> Decisions { get; } = new();

    public RoutingTable Table { get; }

    public RouterCore Origin { get; }

    public HomeCore Home { get; }

    /// <summary>This node's GPUs by ordinal.</summary>
    public Dictionary<int, IActorRef> Gpus { get; } = [];

    /// <summary>The routers of the other members: by their path until they have spoken.</summary>
    public Dictionary<NodeId, ICanTell> Peers { get; } = [];

    /// <summary>The origins of forwards that came from other nodes.</summary>
    public Dictionary<NodeId, (IActorRef Router, RouterOrigin Origin)> Origins { get; } = [];

    /// <summary>Set while the node drains.</summary>
    public TaskCompletionSource? Drained { get; set; }
}
