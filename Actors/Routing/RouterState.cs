using Akka.Actor;
using Troupe.Actors.Counts;
using Troupe.Actors.Decisions;
using Troupe.Actors.Modes;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>What a router knows and owes; it outlives a restart of the actor, so that no accepted forward is forgotten.</summary>
/// <remarks><b>Owns</b> the cores and what they have decided. <b>Thread</b> the router's.</remarks>
internal sealed class RouterState
{
    public RouterState(NodeId self, TimeSpan snapshotMaxAge, VersionRules versions, AuditLedger? audit = null)
    {
        Table = new RoutingTable(self, snapshotMaxAge);
        Versions = new VersionChooser(Table, versions);
        Origin = new RouterCore(Table, Versions, Decisions, audit);
        Batch = new BatchWaiting(Table, Versions, Origin, Decisions);
        Home = new HomeCore(Table, Decisions);
        Members = new RouterMembers(Table, Versions, Origin, Home, Decisions);
    }

    public DecisionQueue<RouterDecision, IRouterShell> Decisions { get; } = new();

    public RoutingTable Table { get; }

    public VersionChooser Versions { get; }

    public RouterCore Origin { get; }

    public BatchWaiting Batch { get; }

    public HomeCore Home { get; }

    public RouterMembers Members { get; }

    /// <summary>Forwards that somebody waits for.</summary>
    public int Open => Origin.Pending + Batch.Count + Home.Hosted;

    /// <summary>This node's GPUs by ordinal.</summary>
    public Dictionary<int, IActorRef> Gpus { get; } = [];

    /// <summary>The origins of forwards that came from other nodes.</summary>
    public Dictionary<NodeId, RouterOrigin> Origins { get; } = [];

    /// <summary>Set while the node drains.</summary>
    public TaskCompletionSource? Drained { get; set; }

    public void Failed(in RouterDecision decision, Exception cause, TimeSpan now)
    {
        Origin.Failed(decision, cause, now);
        Home.Failed(decision, cause);
        Members.Failed(decision);
    }
}
