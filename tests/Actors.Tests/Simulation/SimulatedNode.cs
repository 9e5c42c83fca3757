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
using Troupe.Messages.Tensors;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Simulation;

/// <summary>One life of a node in a simulated cluster: router cores, GPUs with their executors, no Akka.</summary>
internal sealed class SimulatedNode : IRouterShell
{
    private readonly SimulatedCluster _cluster;
    private readonly DecisionQueue<RouterDecision, IRouterShell> _decisions = new();
    private readonly Dictionary<int, GpuReport> _reports = [];
    private long _sequence;
    private ulong _counter;

    public SimulatedNode(SimulatedCluster cluster, NodeId id, ulong incarnation, int devices, bool safeToResend)
    {
        _cluster = cluster;
        Id = id;
        Incarnation = new NodeIncarnation(incarnation);
        Table = new RoutingTable(id, TimeSpan.FromSeconds(1));
        Origin = new RouterCore(Table, _decisions);
        Home = new HomeCore(Table, _decisions);
        Platform = new FakePlatform(devices) { CompleteAtOnce = false, SafeToResend = safeToResend };
        Gpus = [.. Enumerable.Range(0, devices).Select(ordinal => new SimulatedGpu(this, Platform, ordinal))];
        foreach (SimulatedGpu gpu in Gpus)
        {
            gpu.StartExecutor();
        }
    }

    public NodeId Id { get; }

    public NodeIncarnation Incarnation { get; }

    public bool Alive { get; set; } = true;

    public FakePlatform Platform { get; }

    public IReadOnlyList<SimulatedGpu> Gpus { get; }

    public RoutingTable Table { get; }

    public RouterCore Origin { get; }

    public HomeCore Home { get; }

    public MessageBag Bag => _cluster.Bag;

    public RandomFaults Faults => _cluster.Faults;

    public TimeSpan Now => _cluster.Now;

    public Forward Accept(IForwardSink sink, TimeSpan timeLeft)
    {
        var forward = new Forward
        {
            Id = new RequestId(Incarnation, ++_counter),
            Model = new ModelReference("m"),
            Inputs = [new Tensor("x", ElementType.UInt8, new TensorShape(1), new byte[1])],
            TimeLeft = timeLeft,
        };
        Do(() => Origin.Accept(forward, sink, Now));
        return forward;
    }

    public void Tick() =>
        Do(() =>
        {
            Origin.Tick(Now);
            Home.Tick(Now);
        });

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
            resident.Count == 0
                ? []
                :
                [
                    new ModelSnapshot(
                        resident[0].Model,
                        ModelState.Ready,
                        "",
                        "fake",
                        [],
                        [],
                        [new GpuId(Id, 0)],
                        resident[0].SafeToResend
                    ),
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
        _cluster.ToNode(this, node, home => home.Do(() => home.Home.Host(route, Id, new Reply(_cluster, home, this), Now)));
    }

    public void Abandon(NodeId node, AbandonForward abandon)
    {
        Faults.Pass();
        _cluster.ToNode(this, node, home => home.Do(() => home.Home.Abandon(abandon)));
    }

    public void Introduce(NodeId node, NodeSnapshot own) => throw new InvalidOperationException("Gossip is the cluster's here.");

    public void AnswerModels(IReplyTo<ModelReply> asker, ModelReply reply) => asker.Answer(reply);

    public void PublishView(ClusterView view) { }

    public void Failed(in RouterDecision decision, Exception cause)
    {
        Assert.Equal(Plant.Reason, cause.Message);
        Origin.Failed(decision, cause, Now);
        Home.Failed(decision, cause);
    }

    /// <summary>Outcomes find the life of the node that asked, and no other.</summary>
    private sealed class Reply(SimulatedCluster cluster, SimulatedNode home, SimulatedNode origin) : IForwardOrigin
    {
        public void Answer(ForwardOutcome outcome) =>
            cluster.Bag.Send(home, origin, () => origin.Do(() => origin.Origin.End(outcome, home.Id, origin.Now)), lossy: true);
    }
}
