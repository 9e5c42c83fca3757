using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Actors.Node;
using Troupe.Actors.Routing;
using Troupe.Actors.Tests.Decisions;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Simulation;

/// <summary>One life of a node in a simulated cluster: router cores, GPUs with their executors, no Akka.</summary>
internal sealed class SimulatedNode : IRouterShell, INodeShell
{
    private readonly SimulatedNetwork _network;
    private readonly DecisionQueue<NodeDecision, INodeShell> _supervision = new();
    private readonly NodeCore _core;
    private readonly List<(TimeSpan At, ExecutorGroup Group)> _pauses = [];
    private readonly DecisionQueue<RouterDecision, IRouterShell> _decisions = new();
    private readonly Dictionary<int, GpuReport> _reports = [];
    private long _sequence;
    private ulong _counter;

    public SimulatedNode(SimulatedNetwork network, NodeId id, ulong incarnation, int devices, bool safeToResend)
    {
        _network = network;
        Id = id;
        Incarnation = new NodeIncarnation(incarnation);
        Table = new RoutingTable(id, TimeSpan.FromSeconds(1));
        Origin = new RouterCore(Table, new VersionChooser(Table, new VersionRules(new Dictionary<string, VersionRule>())), _decisions);
        Home = new HomeCore(Table, _decisions);
        Platform = new FakePlatform(devices) { CompleteAtOnce = false, SafeToResend = safeToResend };
        var spec = new TroupeNodeSpec
        {
            Platform = Platform,
            Repository = new NoModels(),
            WatchdogBound = network.WatchdogBound,
            SnapshotInterval = TimeSpan.FromMilliseconds(30),
            QueueLimit = network.QueueLimit,
        };
        _core = new NodeCore(spec, id, Incarnation, _supervision);
        Gpus = [.. _core.Gpus.Select(gpu => new SimulatedGpu(this, Platform, gpu))];
    }

    public NodeId Id { get; }

    public NodeIncarnation Incarnation { get; }

    public bool Alive { get; set; } = true;

    /// <summary>Inputs of the forwards that it accepts are on lease from here, and outputs for whoever wants them so.</summary>
    public HostMemory Memory { get; } = new();

    public FakePlatform Platform { get; }

    public IReadOnlyList<SimulatedGpu> Gpus { get; }

    public RoutingTable Table { get; }

    public RouterCore Origin { get; }

    public HomeCore Home { get; }

    public MessageBag Bag => _network.Bag;

    public RandomFaults Faults => _network.Faults;

    public TimeSpan Now => _network.Now;

    /// <summary>Executors still start.</summary>
    public void Start() => Supervise(core => core.Start());

    public void Supervise(Action<NodeCore> step)
    {
        if (Alive)
        {
            step(_core);
            _supervision.ApplyTo(this);
        }
    }

    public Forward Accept(IForwardSink sink, TimeSpan timeLeft, string model = "m", params ReadOnlySpan<byte> input)
    {
        var forward = new Forward
        {
            Id = new RequestId(Incarnation, ++_counter),
            Model = new ModelReference(model),
            Inputs = [Leased(input)],
            TimeLeft = timeLeft,
        };
        var accept = new AcceptForward(forward, sink);
        Do(() => Origin.Accept(forward, accept, Now));
        return forward;
    }

    /// <summary>A tensor that this node's router owns from here on.</summary>
    private Tensor Leased(ReadOnlySpan<byte> input)
    {
        TensorLease lease = Memory.Lease(input.Length);
        input.CopyTo(lease.GetSpan());
        return new Tensor("x", ElementType.UInt8, new TensorShape(input.Length), new TensorPayload.Leased(lease, input.Length));
    }

    public void Tick()
    {
        Do(() =>
        {
            Origin.Tick(Now);
            Home.Tick(Now);
        });
        foreach ((TimeSpan at, ExecutorGroup group) in _pauses.ToList())
        {
            if (at <= Now)
            {
                _pauses.Remove((at, group));
                Supervise(core => core.EndPause(group));
            }
        }

        Supervise(core => core.Tick(Now));
    }

    public void Release(GpuRelease release) =>
        Do(() =>
        {
            Home.Release(release);
            Origin.Release(release, Now);
        });

    public void Hear(GpuReport report)
    {
        _reports[report.Gpu.Ordinal] = report;
        Table.UpdateFrom(report);
        Table.UpdateOwn(Snapshot());
    }

    public void Hear(NodeSnapshot snapshot) =>
        Do(() =>
        {
            if (Table.UpdateFrom(snapshot, Now))
            {
                Origin.EndAttemptsOn(snapshot.Node, Now);
                Home.AbandonAllOf(snapshot.Node);
            }
        });

    public void Lose(NodeId node) =>
        Do(() =>
        {
            Table.SetReachable(node, false);
            Origin.EndAttemptsOn(node, Now);
            Home.AbandonAllOf(node);
        });

    public void Reach(NodeId node) => Do(() => Table.SetReachable(node, true));

    public NodeSnapshot Snapshot()
    {
        GpuSnapshot[] gpus = [.. Gpus.Select(gpu => gpu.Core.Snapshot())];
        List<ResidentModel> resident = [.. _reports.Values.SelectMany(report => report.Models)];
        ModelSnapshot[] models =
        [
            .. resident
                .Select(one => one.Model)
                .Distinct()
                .Select(model => new ModelSnapshot(
                    model,
                    ModelState.Ready,
                    "",
                    "fake",
                    [],
                    [],
                    [.. _reports.Values.Where(report => report.Models.Any(one => one.Model == model)).Select(report => report.Gpu)],
                    resident[0].SafeToResend
                )),
        ];
        return new NodeSnapshot(Id, Incarnation, ++_sequence, false, gpus, models, "");
    }

    public void Do(Action step)
    {
        if (!Alive)
        {
            return;
        }

        step();
        _decisions.ApplyTo(this);
    }

    public void AnswerSink(IForwardSink sink, ForwardReply reply)
    {
        // A sink that throws has heard the reply.
        sink.Complete(reply);
        Faults.Pass();
    }

    public void AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome)
    {
        Faults.Pass();
        origin.Answer(outcome);
    }

    public void Dispatch(int ordinal, DispatchForward forward)
    {
        Faults.Pass();
        SimulatedGpu gpu = Gpus[ordinal];
        Bag.Send(this, gpu.Core, () => gpu.Do(core => core.Admit(forward, Now)));
    }

    public void Drop(int ordinal, DropForward drop)
    {
        Faults.Pass();
        SimulatedGpu gpu = Gpus[ordinal];
        Bag.Send(this, gpu.Core, () => gpu.Do(core => core.Drop(drop, Now)));
    }

    public void Send(NodeId node, RouteForward route)
    {
        Faults.Pass();
        _network.ToNode(this, node, home => home.Do(() => home.Home.Host(route, Id, new Reply(_network, home, this), Now)));
    }

    public void Abandon(NodeId node, AbandonForward abandon)
    {
        Faults.Pass();
        _network.ToNode(this, node, home => home.Do(() => home.Home.Abandon(abandon)));
    }

    public void Introduce(NodeId node, NodeSnapshot own) => throw new InvalidOperationException("Gossip is the cluster's here.");

    public void TellResidency(NodeId node, IRouterMessage message) => throw new InvalidOperationException("Gossip is the cluster's here.");

    public void TellGuilty(NodeId node, GuiltyForwards guilty) =>
        _network.ToNode(this, node, other => other.Do(() => other.Origin.Suspects.UpdateFrom(guilty, Now)));

    public void AnswerModels(IReplyTo<ModelReply> asker, ModelReply reply) => asker.Answer(reply);

    public void PublishView(ClusterView view) { }

    public void Failed(in RouterDecision decision, Exception cause)
    {
        Assert.Equal(Plant.Reason, cause.Message);
        Origin.Failed(decision, cause, Now);
        Home.Failed(decision, cause);
    }

    /// <summary>After what its GPU was told before: the end of the former executor is known when the next one speaks.</summary>
    public void StartExecutor(ExecutorGroup group)
    {
        SimulatedGpu gpu = Gpus[group.Ordinals[0]];
        Bag.Send(this, gpu.Core, () => gpu.StartExecutor(group));
    }

    public void StartExecutorLater(ExecutorGroup group, TimeSpan pause) => _pauses.Add((Now + pause, group));

    public void StopExecutor(ExecutorGroup group) => Gpus[group.Ordinals[0]].StopExecutor();

    public void ReportLoss(ExecutorGroup group, ExecutorLost lost) { }

    public void TellGpu(int ordinal, INodeToGpu message)
    {
        SimulatedGpu gpu = Gpus[ordinal];
        Bag.Send(this, gpu.Core, () => gpu.Hear(message));
    }

    public void TellModels(DeviceGone gone) { }

    public void TellRouter(OwnSnapshot own) { }

    public void Failed(in NodeDecision decision, Exception cause) => throw new InvalidOperationException("It cannot fail.", cause);

    /// <summary>Outcomes find the life of the node that asked, and no other.</summary>
    private sealed class Reply(SimulatedNetwork network, SimulatedNode home, SimulatedNode origin) : IForwardOrigin
    {
        public void Answer(ForwardOutcome outcome) =>
            network.Bag.Send(home, origin, () => origin.Do(() => origin.Origin.End(outcome, home.Id, origin.Now)), lossy: true);
    }

    private sealed class NoModels : IModelRepository
    {
        public ModuleSource Resolve(LoadModel load) => throw new NotSupportedException();

        public IReadOnlyList<ModelReference> List() => [];
    }
}
