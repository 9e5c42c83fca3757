using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Actors.Modes;
using Troupe.Actors.Tests.Decisions;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Modes;

/// <summary>Several mode directories wired through a bag of messages that a seed takes out in any order, with partitions, deaths and one
/// clock turned by hand.</summary>
internal sealed class ModeCluster
{
    public static readonly ModelVersion Model = new("m", 1, default);

    private readonly Random _random;
    private readonly List<Action> _bag = [];
    private readonly ModeDirectoryOptions _options;
    private readonly int _gpusPerNode;
    private readonly HashSet<string> _deadOwners = [];
    private int _ids;

    public ModeCluster(
        int nodes,
        int gpusPerNode = 2,
        int seed = 0,
        ModeDirectoryOptions? options = null,
        Func<GpuId, ModuleTraits>? traits = null
    )
    {
        _random = new Random(seed);
        _options = options ?? new ModeDirectoryOptions();
        _gpusPerNode = gpusPerNode;
        TraitsOf = traits ?? (_ => ModuleTraits.Plain);
        Nodes = [.. Enumerable.Range(0, nodes).Select(index => new Node(this, index))];
        foreach (Node node in Nodes)
        {
            node.Start();
        }

        foreach (Node node in Nodes)
        {
            foreach (Node other in Nodes.Where(other => other != node))
            {
                node.Seen.Add(other.Id);
                node.Do(now => node.Core.PeerUp(other.Id, now));
            }

            node.Do(node.Core.Join);
        }

        Run();
    }

    public IReadOnlyList<Node> Nodes { get; private set; }

    /// <summary>A decision of any of them that throws.</summary>
    public Plant Plant { get; } = new();

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(100);

    public Func<GpuId, ModuleTraits> TraitsOf { get; }

    /// <summary>Nodes in different parts cannot hear each other.</summary>
    public Dictionary<NodeId, int> Part { get; } = [];

    public Node this[int index] => Nodes[index];

    public IEnumerable<Node> Alive => Nodes.Where(node => node.IsAlive);

    public bool Connected(NodeId left, NodeId right) =>
        Part.GetValueOrDefault(left) == Part.GetValueOrDefault(right)
        && Nodes.First(node => node.Id == left).IsAlive
        && Nodes.First(node => node.Id == right).IsAlive;

    public ClusterView View() => new([.. Alive.Select(node => node.Snapshot())], []);

    /// <summary>Delivers one message, any.</summary>
    public bool Step()
    {
        if (_bag.Count == 0)
        {
            return false;
        }

        int chosen = _random.Next(_bag.Count);
        Action message = _bag[chosen];
        _bag[chosen] = _bag[^1];
        _bag.RemoveAt(_bag.Count - 1);
        message();
        return true;
    }

    /// <summary>Delivers until nothing is under way.</summary>
    public void Run()
    {
        for (int steps = 0; Step(); steps++)
        {
            Assert.True(steps < 200_000, "The directories never fall silent.");
        }
    }

    public void Advance(TimeSpan time)
    {
        Now += time;
        foreach (Node node in Alive)
        {
            node.Do(node.Core.Tick);
        }
    }

    /// <summary>Advances in small steps and delivers everything between them.</summary>
    public void Settle(TimeSpan time)
    {
        for (TimeSpan end = Now + time; Now < end; )
        {
            Run();
            Advance(TimeSpan.FromMilliseconds(200));
        }

        Run();
    }

    public void Split(params int[] parts)
    {
        for (int i = 0; i < Nodes.Count; i++)
        {
            Part[Nodes[i].Id] = parts[i];
        }

        Notice();
    }

    public void Heal() => Split([.. Nodes.Select(_ => 0)]);

    public void Kill(int index)
    {
        Nodes[index].IsAlive = false;
        foreach (Node node in Alive)
        {
            node.Seen.Remove(Nodes[index].Id);
            node.Do(now => node.Core.PeerLost(Nodes[index].Id, gone: false, now));
            node.Do(now => node.Core.PeerLost(Nodes[index].Id, gone: true, now));
        }
    }

    /// <summary>A new node joins those that are there.</summary>
    public Node Join()
    {
        var node = new Node(this, Nodes.Count);
        Nodes = [.. Nodes, node];
        node.Start();
        foreach (Node other in Alive.Where(other => other != node && Connected(other.Id, node.Id)))
        {
            node.Do(now => node.Core.PeerUp(other.Id, now));
            other.Do(now => other.Core.PeerUp(node.Id, now));
        }

        node.Do(node.Core.Join);
        return node;
    }

    public void KillOwner(string owner)
    {
        _deadOwners.Add(owner);
        foreach (Node node in Alive.Where(node => node.Watched.Contains(owner)))
        {
            Bury(node, owner);
        }
    }

    /// <summary>Sends a request and delivers until it is answered.</summary>
    public ModeReply Ask(int node, ModeRequest request)
    {
        Request asked = Nodes[node].Ask(request);
        Run();
        return Assert.Single(asked.Replies);
    }

    private void Notice()
    {
        foreach (Node node in Alive)
        {
            foreach (Node other in Alive.Where(other => other != node))
            {
                bool connected = Connected(node.Id, other.Id);
                if (connected && node.Seen.Add(other.Id))
                {
                    node.Do(now => node.Core.PeerUp(other.Id, now));
                }
                else if (!connected && node.Seen.Remove(other.Id))
                {
                    node.Do(now => node.Core.PeerLost(other.Id, gone: false, now));
                }
            }
        }
    }

    /// <summary>Who watches an actor hears of its death, also when it was dead before.</summary>
    private void Bury(Node node, string owner) =>
        Put(() =>
        {
            if (node.IsAlive)
            {
                node.Do(now => node.Core.OwnerDied(owner, now));
            }
        });

    private void Put(Action message) => _bag.Add(message);

    /// <summary>A request and every reply it got.</summary>
    internal sealed class Request(Node node, ModeRequest what) : IReplyTo<ModeReply>
    {
        public Node Node => node;

        public ModeRequest What => what;

        public List<ModeReply> Replies { get; } = [];

        public void Answer(ModeReply reply) => Replies.Add(reply);
    }

    /// <summary>One directory with its GPUs, each of which has one instance.</summary>
    internal sealed class Node : IModeShell
    {
        private readonly ModeCluster _cluster;
        private readonly DecisionQueue<ModeDecision, IModeShell> _decisions = new();
        private readonly Dictionary<GpuId, IEffectiveModes> _modes = [];

        public Node(ModeCluster cluster, int index)
        {
            _cluster = cluster;
            Id = new NodeId($"n{index}:1");
            Core = new ModeDirectoryCore(
                Id,
                new NodeIncarnation((ulong)(index * 37) % 11),
                cluster._options,
                cluster.View,
                () => new Guid(++cluster._ids, 0, 0, new byte[8]),
                _decisions
            );
            foreach (Node other in cluster.Nodes ?? [])
            {
                Seen.Add(other.Id);
                other.Seen.Add(Id);
            }
        }

        public NodeId Id { get; }

        public ModeDirectoryCore Core { get; }

        public bool IsAlive { get; set; } = true;

        /// <summary>Its model is loaded.</summary>
        public bool HasModel { get; set; } = true;

        /// <summary>Members it can reach.</summary>
        public HashSet<NodeId> Seen { get; } = [];

        public HashSet<string> Watched { get; } = [];

        /// <summary>Members it said work may pass to, in order.</summary>
        public List<NodeId> Synchronized { get; } = [];

        /// <summary>GPUs that answer no question any more.</summary>
        public HashSet<int> Deaf { get; } = [];

        /// <summary>What a GPU says to a commit, if not just yes.</summary>
        public Func<GpuId, IEffectiveModes, InstanceRefusal?> OnCommit { get; set; } = static (_, _) => null;

        public IEnumerable<GpuId> Gpus => Enumerable.Range(0, _cluster._gpusPerNode).Select(ordinal => new GpuId(Id, ordinal));

        public void Start()
        {
            foreach (GpuId gpu in Gpus)
            {
                Do(_ => Core.Participant.AddGpu(gpu.Ordinal));
            }
        }

        /// <summary>What a forward on one of its GPUs would run with.</summary>
        public CapturedModes For(int ordinal, SessionId? session = null, ModeChange? call = null)
        {
            var gpu = new GpuId(Id, ordinal);
            return _modes[gpu].For(gpu, Model, _cluster.TraitsOf(gpu), session, call);
        }

        public Request Ask(ModeRequest what)
        {
            var request = new Request(this, what);
            Do(now => Core.Request(what, request, now));
            return request;
        }

        public NodeSnapshot Snapshot() =>
            new(
                Id,
                default,
                1,
                false,
                [.. Gpus.Select(gpu => new GpuSnapshot(gpu, "emulated", GpuHealth.Ready, "", 0, 1, 0, 0, 0))],
                !HasModel ? [] : [new ModelSnapshot(Model, ModelState.Ready, "", "onnxruntime_onnx", [], [], [.. Gpus], true)],
                "1"
            );

        public void Do(Action<TimeSpan> action)
        {
            action(_cluster.Now);
            _decisions.ApplyTo(this);
        }

        public void Send(NodeId node, IModeDirectoryMessage message)
        {
            _cluster.Plant.Pass();
            _cluster.Put(() => Deliver(node, message));
        }

        public void Answer(IReplyTo<ModeReply> asker, ModeReply reply)
        {
            _cluster.Plant.Pass();
            asker.Answer(reply);
        }

        public void TellGpu(GpuId gpu, IGpuModesRequest request)
        {
            _cluster.Plant.Pass();
            switch (request)
            {
                case CheckGpuModes prepare when !Deaf.Contains(gpu.Ordinal):
                    _cluster.Put(() =>
                        Reply(now => Core.Participant.Answered(new GpuModesChecked(prepare.Change, gpu, Objections(gpu, prepare)), now))
                    );
                    break;
                case ApplyGpuModes commit when !Deaf.Contains(gpu.Ordinal):
                    // Commits reach a GPU in order; its acknowledgements may come in any.
                    _modes[gpu] = commit.Modes;
                    InstanceRefusal? refusal = OnCommit(gpu, commit.Modes);
                    _cluster.Put(() =>
                        Reply(now =>
                            Core.Participant.Answered(new GpuModesApplied(commit.Change, gpu, refusal is null ? [] : [refusal]), now)
                        )
                    );
                    break;
                default:
                    break;
            }
        }

        public void Watch(string owner)
        {
            _cluster.Plant.Pass();
            Watched.Add(owner);
            if (_cluster._deadOwners.Contains(owner))
            {
                _cluster.Bury(this, owner);
            }
        }

        public void Unwatch(string owner)
        {
            _cluster.Plant.Pass();
            Watched.Remove(owner);
        }

        void IModeShell.Synchronized(NodeId peer)
        {
            _cluster.Plant.Pass();
            Synchronized.Add(peer);
        }

        public void BecomeReady() => _cluster.Plant.Pass();

        public void Failed(in ModeDecision decision, Exception cause)
        {
            Assert.Equal(Plant.Reason, cause.Message);
            Core.Failed(decision);
        }

        private InstanceRefusal[] Objections(GpuId gpu, CheckGpuModes prepare) =>
            [
                .. prepare
                    .Modes.Objections(gpu, Model, _cluster.TraitsOf(gpu), prepare.Session)
                    .Select(objection => new InstanceRefusal(Model, objection.Kind, objection.Reason)),
            ];

        private void Reply(Action<TimeSpan> answer)
        {
            if (IsAlive)
            {
                Do(answer);
            }
        }

        private void Deliver(NodeId node, IModeDirectoryMessage message)
        {
            if (_cluster.Nodes.FirstOrDefault(candidate => candidate.Id == node) is not { } to || !_cluster.Connected(Id, to.Id))
            {
                return;
            }

            to.Do(now =>
            {
                switch (message)
                {
                    case PrepareModeChange prepare:
                        to.Core.Prepare(prepare, now);
                        break;
                    case ModeChangePrepared prepared:
                        to.Core.Prepared(prepared, now);
                        break;
                    case CommitModeChange commit:
                        to.Core.Commit(commit, now);
                        break;
                    case ModeChangeCommitted committed:
                        to.Core.Committed(committed, now);
                        break;
                    case CompareModes compare:
                        to.Core.Compare(compare, now);
                        break;
                    case ModePage page:
                        to.Core.Page(page, now);
                        break;
                    default:
                        throw new ArgumentException($"{message.GetType()} does not travel between directories.");
                }
            });
        }
    }
}
