using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Tests.Simulation;

/// <summary>The nodes of a simulation, the messages between them and their common clock.</summary>
internal sealed class SimulatedNetwork(Random random, Func<int> devices, bool safeToResend)
{
    private readonly List<SimulatedNode> _nodes = [];
    private ulong _lives;

    public MessageBag Bag { get; } = new(random);

    public RandomFaults Faults { get; } = new(random);

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(1);

    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>Forwards that wait at a device, at most.</summary>
    public int QueueLimit { get; init; } = 3;

    public TimeSpan WatchdogBound { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <summary>Told of each life of a node before it begins.</summary>
    public Action<SimulatedNode> OnBorn { get; init; } = _ => { };

    public void Start(int nodes)
    {
        for (int i = 0; i < nodes; i++)
        {
            _nodes.Add(Born(new NodeId($"n{i}:1")));
        }

        Settle(100 * nodes);
        Gossip();
        Settle(200 * nodes);
    }

    /// <summary>To whichever life of the node is at its address now.</summary>
    public void ToNode(SimulatedNode from, NodeId to, Action<SimulatedNode> deliver)
    {
        SimulatedNode target = _nodes.First(node => node.Id == to);
        Bag.Send(from, target, () => deliver(target), lossy: true);
    }

    public void Advance(TimeSpan by)
    {
        Now += by;
        foreach (SimulatedNode node in _nodes)
        {
            node.Tick();
        }
    }

    public void Gossip()
    {
        foreach (SimulatedNode from in _nodes)
        {
            NodeSnapshot snapshot = from.Snapshot();
            foreach (SimulatedNode to in _nodes.Where(to => to != from))
            {
                Bag.Send(from, to, () => to.Hear(snapshot), lossy: true);
            }
        }
    }

    /// <summary>A process dies without a word; the others notice, in their own time, and another life begins at its address.</summary>
    public void Replace(int at)
    {
        SimulatedNode dead = _nodes[at];
        dead.Alive = false;
        _nodes[at] = Born(dead.Id);
        foreach (SimulatedNode other in _nodes.Where(node => node.Id != dead.Id))
        {
            Bag.Send(dead, other, () => other.Lose(dead.Id));
            Bag.Send(dead, other, () => other.Reach(dead.Id));
        }
    }

    public void Settle(int messages)
    {
        while (messages-- > 0 && Bag.DeliverOne()) { }
    }

    private SimulatedNode Born(NodeId id)
    {
        var node = new SimulatedNode(this, id, ++_lives, devices(), safeToResend);
        OnBorn(node);
        node.Start();
        return node;
    }
}
