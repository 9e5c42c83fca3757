using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Actors.Tests.Simulation;

/// <summary>Nodes made of pure cores, wired through a bag of messages, with everything that can go wrong drawn by seed; the checker of
/// exactly one reply in time.</summary>
internal sealed class SimulatedCluster
{
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(45);

    private readonly Random _random;
    private readonly SimulatedNetwork _network;
    private readonly Dictionary<RequestId, Owed> _owed = [];

    public SimulatedCluster(int seed, int nodes)
    {
        _random = new Random(seed);
        bool safeToResend = _random.Next(4) != 0;
        _network = new SimulatedNetwork(_random, () => 1 + _random.Next(2), safeToResend);
        _network.Bag.Loss = _random.Next(3) * 0.05;
        _network.Faults.Share = _random.Next(3) * 0.01;
        _network.Start(nodes);
    }

    public TimeSpan Now => _network.Now;

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
                _network.Settle(_random.Next(1, 4 * Nodes.Count));
                break;
            case < 76:
                foreach (SimulatedNode node in Nodes)
                {
                    Pick(node.Gpus).Progress(_random);
                }

                break;
            case < 88:
                _network.Advance(TimeSpan.FromMilliseconds(_random.Next(1, 30)));
                break;
            case < 93:
                _network.Gossip();
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
                Toggle(Pick(Any().Gpus));
                break;
            case 99 when _random.Next(4) == 0:
                _network.Replace(_random.Next(Nodes.Count));
                break;
            case 97 when _random.Next(4) == 0:
                Partition();
                break;
            default:
                _network.Gossip();
                break;
        }
    }

    /// <summary>Nothing new happens; what is under way ends.</summary>
    public void Quiesce()
    {
        _network.Bag.Loss = 0;
        _network.Faults.Share = 0;
        for (int i = 0; i < 300; i++)
        {
            foreach (SimulatedGpu gpu in Nodes.SelectMany(node => node.Gpus))
            {
                gpu.Progress(_random);
            }

            _network.Settle(200);
            _network.Advance(TimeSpan.FromMilliseconds(25));
        }

        _network.Settle(int.MaxValue);
    }

    /// <summary>Every forward that a living node accepted has its one reply, and nothing is left anywhere.</summary>
    public void Check()
    {
        foreach ((RequestId id, Owed owed) in _owed)
        {
            Assert.True(owed.Replies == 1 || !owed.Node.Alive, $"forward {id} of {owed.Node.Id} has {owed.Replies} replies");
        }

        foreach (SimulatedNode node in Nodes)
        {
            Assert.Equal(0, node.Origin.Pending);
            Assert.Equal(0, node.Home.Hosted);
            Assert.Equal(0, node.Memory.Snapshot().Leases);
            Assert.All(node.Table.Nodes, other => Assert.Equal(0, other.Outstanding));
            foreach (SimulatedGpu gpu in node.Gpus)
            {
                Assert.True(
                    node.Table.Gpu(gpu.Ordinal)!.Outstanding == 0,
                    $"{gpu.Core.Snapshot()} has {node.Table.Gpu(gpu.Ordinal)!.Outstanding} credits; hangs: {gpu.Hangs}"
                );
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

    private IReadOnlyList<SimulatedNode> Nodes => _network.Nodes;

    private static void Toggle(SimulatedGpu gpu) => gpu.Hangs = !gpu.Hangs;

    private void Accept()
    {
        SimulatedNode node = Any();
        TimeSpan timeLeft = TimeSpan.FromMilliseconds(_random.Next(20, 1500));
        var owed = new Owed(this, node, Now + timeLeft + Tolerance);
        Accepted++;
        RequestId id = node.Accept(owed, timeLeft, "m", 1).Id;
        _owed.Add(id, owed);
    }

    private void Cancel()
    {
        if (_owed.Count > 0)
        {
            (RequestId id, Owed owed) = _owed.ElementAt(_random.Next(Math.Max(0, _owed.Count - 20), _owed.Count));
            owed.Node.Do(() => owed.Node.Origin.Cancel(id, Now));
        }
    }

    private void Partition()
    {
        SimulatedNode a = Any();
        SimulatedNode b = Any();
        if (a != b)
        {
            _network.Bag.Send(_network, a, () => a.Lose(b.Id));
            _network.Bag.Send(_network, a, () => a.Reach(b.Id));
        }
    }

    private SimulatedNode Any() => Nodes[_random.Next(Nodes.Count)];

    private T Pick<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];

    /// <summary>A reply that is owed: the checker.</summary>
    private sealed class Owed(SimulatedCluster cluster, SimulatedNode node, TimeSpan latest) : IForwardSink
    {
        public SimulatedNode Node => node;

        public int Replies { get; private set; }

        public HostMemory LeasesFrom => node.Memory;

        public void Complete(ForwardReply reply)
        {
            Replies++;
            Assert.True(Replies == 1, $"second reply to {reply.Id}: {reply}");
            Assert.True(cluster.Now <= latest, $"{reply.Id} was answered {cluster.Now - latest} too late: {reply}");
            (reply as ForwardReply.Succeeded)?.Outputs.ReleaseHeld();
            string outcome = reply is ForwardReply.Failed failed ? failed.Kind.ToString() : "Succeeded";
            cluster.Outcomes[outcome] = cluster.Outcomes.GetValueOrDefault(outcome) + 1;
        }
    }
}
