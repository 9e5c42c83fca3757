using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Tests.Simulation;

/// <summary>Nodes made of pure cores, wired through a bag of messages, with everything that can go wrong drawn by seed; the checker of
/// exactly one reply in time.</summary>
internal sealed class SimulatedCluster
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(45);

    private readonly Random _random;
    private readonly SimulatedNode[] _nodes;
    private readonly Dictionary<RequestId, Owed> _owed = [];
    private readonly bool _safeToResend;
    private ulong _lives;

    public SimulatedCluster(int seed, int nodes)
    {
        _random = new Random(seed);
        _safeToResend = _random.Next(4) != 0;
        Bag = new MessageBag(_random) { Loss = _random.Next(3) * 0.05 };
        Faults = new RandomFaults(_random) { Share = _random.Next(3) * 0.01 };
        _nodes = [.. Enumerable.Range(0, nodes).Select(i => Born(new NodeId($"n{i}:1")))];
        Settle(100);
        Gossip();
        Settle(200);
    }

    public MessageBag Bag { get; }

    public RandomFaults Faults { get; }

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(1);

    public int Accepted { get; private set; }

    public Dictionary<string, int> Outcomes { get; } = [];

    /// <summary>One thing happens.</summary>
    public void Step()
    {
        switch (_random.Next(100))
        {
            case < 18:
                Accept();
                break;
            case < 60:
                Settle(_random.Next(1, 4 * _nodes.Length));
                break;
            case < 76:
                foreach (SimulatedNode node in _nodes)
                {
                    Pick(node.Gpus).Progress(_random);
                }

                break;
            case < 88:
                Advance(TimeSpan.FromMilliseconds(_random.Next(1, 30)));
                break;
            case < 93:
                Gossip();
                break;
            case < 96:
                Cancel();
                break;
            case < 97:
                Pick(Any().Gpus).Crash();
                break;
            case 97 when _random.Next(12) == 0:
                Pick(Any().Gpus).LoseDevice();
                break;
            case 98 when _random.Next(12) == 0:
                Pick(Any().Gpus).Hangs = true;
                break;
            case 99 when _random.Next(4) == 0:
                Replace(_random.Next(_nodes.Length));
                break;
            case 97 when _random.Next(4) == 0:
                Partition();
                break;
            default:
                Gossip();
                break;
        }
    }

    /// <summary>Nothing new happens; what is under way ends.</summary>
    public void Quiesce()
    {
        Bag.Loss = 0;
        Faults.Share = 0;
        for (int i = 0; i < 300; i++)
        {
            foreach (SimulatedGpu gpu in _nodes.SelectMany(node => node.Gpus))
            {
                gpu.Progress(_random);
            }

            Settle(200);
            Advance(TimeSpan.FromMilliseconds(25));
        }

        Settle(int.MaxValue);
    }

    /// <summary>Every forward that a living node accepted has its one reply, and nothing is left anywhere.</summary>
    public void Check()
    {
        foreach ((RequestId id, Owed owed) in _owed)
        {
            Assert.True(owed.Replies == 1 || !owed.Node.Alive, $"forward {id} of {owed.Node.Id} has {owed.Replies} replies");
        }

        foreach (SimulatedNode node in _nodes)
        {
            Assert.Equal(0, node.Origin.Pending);
            Assert.Equal(0, node.Home.Hosted);
            Assert.All(node.Table.Nodes, other => Assert.Equal(0, other.Outstanding));
            foreach (SimulatedGpu gpu in node.Gpus)
            {
                Assert.Equal(0, node.Table.Gpu(gpu.Ordinal)!.Outstanding);
                Assert.Equal(0, gpu.Core.Queued);
                Assert.Equal(0, gpu.Core.Launched);
            }

            // Lanes of a device that is out of service went with it.
            Assert.All(
                node.Platform.Instances.Where(instance =>
                    !instance.Disposed && node.Gpus[instance.HomeOrdinal].Core.Health == GpuHealth.Ready
                ),
                instance => Assert.Equal(0, instance.Leased)
            );
        }
    }

    /// <summary>To whichever life of the node is at its address now.</summary>
    public void ToNode(SimulatedNode from, NodeId to, Action<SimulatedNode> deliver)
    {
        SimulatedNode target = _nodes.First(node => node.Id == to);
        Bag.Send(from, target, () => deliver(target), lossy: true);
    }

    private SimulatedNode Born(NodeId id) => new(this, id, ++_lives, devices: 1 + _random.Next(2), _safeToResend);

    private void Accept()
    {
        SimulatedNode node = Any();
        TimeSpan timeLeft = TimeSpan.FromMilliseconds(_random.Next(20, 1500));
        var owed = new Owed(this, node, Now + timeLeft + Tolerance);
        Accepted++;
        RequestId id = node.Accept(owed, timeLeft).Id;
        _owed.Add(id, owed);
    }

    private void Cancel()
    {
        if (_owed.Count > 0)
        {
            (RequestId id, Owed owed) = _owed.ElementAt(_random.Next(Math.Max(0, _owed.Count - 20), _owed.Count));
            owed.Node.Do(() => owed.Node.Origin.Cancel(id));
        }
    }

    private void Advance(TimeSpan by)
    {
        Now += by;
        foreach (SimulatedNode node in _nodes)
        {
            node.Tick();
            foreach (SimulatedGpu gpu in node.Gpus)
            {
                gpu.Do(core => core.Tick(Now));
            }
        }
    }

    private void Gossip()
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
    private void Replace(int at)
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

    private void Partition()
    {
        SimulatedNode a = Any();
        SimulatedNode b = Any();
        if (a != b)
        {
            Bag.Send(Bag, a, () => a.Lose(b.Id));
            Bag.Send(Bag, a, () => a.Reach(b.Id));
        }
    }

    private void Settle(int messages)
    {
        while (messages-- > 0 && Bag.DeliverOne()) { }
    }

    private SimulatedNode Any() => _nodes[_random.Next(_nodes.Length)];

    private T Pick<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];

    /// <summary>A reply that is owed: the checker.</summary>
    private sealed class Owed(SimulatedCluster cluster, SimulatedNode node, TimeSpan latest) : IForwardSink
    {
        public SimulatedNode Node => node;

        public int Replies { get; private set; }

        public void Complete(ForwardReply reply)
        {
            Replies++;
            Assert.True(Replies == 1, $"second reply to {reply.Id}: {reply}");
            Assert.True(cluster.Now <= latest, $"{reply.Id} was answered {cluster.Now - latest} too late: {reply}");
            string outcome = reply is ForwardReply.Failed failed ? failed.Kind.ToString() : "Succeeded";
            cluster.Outcomes[outcome] = cluster.Outcomes.GetValueOrDefault(outcome) + 1;
        }
    }
}
