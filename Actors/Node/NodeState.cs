using Akka.Actor;
using Troupe.Actors.Decisions;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Node;

/// <summary>What a node's actor keeps when it is restarted: its children live on.</summary>
/// <remarks><b>Owns</b> the core and what it has decided. <b>Thread</b> the node's.</remarks>
internal sealed class NodeState
{
    public NodeState(TroupeNodeSpec spec, NodeId id, NodeIncarnation incarnation)
    {
        Id = id;
        Core = new NodeCore(spec, id, incarnation, Decisions);
    }

    public NodeId Id { get; }

    public DecisionQueue<NodeDecision, INodeShell> Decisions { get; } = new();

    public NodeCore Core { get; }

    public Dictionary<int, IActorRef> Gpus { get; } = [];

    /// <summary>The present executor of each group.</summary>
    public Dictionary<ExecutorGroup, IActorRef> Executors { get; } = [];

    public IActorRef Models { get; set; } = ActorRefs.Nobody;

    /// <summary>The group whose present executor this is; null when another has followed it.</summary>
    public ExecutorGroup? GroupOf(IActorRef executor)
    {
        foreach ((ExecutorGroup group, IActorRef present) in Executors)
        {
            if (present.Equals(executor))
            {
                return group;
            }
        }

        return null;
    }
}
