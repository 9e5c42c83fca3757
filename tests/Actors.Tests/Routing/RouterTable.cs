using Troupe.Actors.Counts;
using Troupe.Actors.Forwards;
using Troupe.Actors.Modes;
using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Routing;

/// <summary>A router's cores with a table of GPUs and nodes that a test writes line by line, and the decisions they take.</summary>
internal sealed class RouterTable
{
    public static readonly NodeId Self = new("a:1");
    public static readonly NodeId Other = new("b:1");
    public static readonly NodeId Third = new("c:1");

    private readonly Dictionary<NodeId, long> _sequences = [];
    private ulong _counter;

    public RouterTable()
    {
        Table = new RoutingTable(Self, TimeSpan.FromSeconds(3));
        Versions = new VersionChooser(Table, Rules);
        Origin = new RouterCore(Table, Versions, Recorder.Queue, Audit);
        Home = new HomeCore(Table, Recorder.Queue);
        Members = new RouterMembers(Table, Versions, Origin, Home, Recorder.Queue);
    }

    public RouterRecorder Recorder { get; } = new();

    public List<RouterDecision> Decisions => Recorder.Applied;

    public RoutingTable Table { get; }

    public AuditLedger Audit { get; } = new();

    public VersionRules Rules { get; } = new(new Dictionary<string, VersionRule>());

    public VersionChooser Versions { get; }

    public RouterCore Origin { get; }

    public HomeCore Home { get; }

    public RouterMembers Members { get; }

    public CountingSink Sink { get; } = new();

    public TimeSpan Now { get; set; } = TimeSpan.FromSeconds(1);

    public static ModelVersion Model(int number = 1, ulong content = 1) => new("m", number, new ContentHash(content, 0, 0, 0));

    public void Gpu(int ordinal, int credits = 4, bool safe = true, GpuHealth health = GpuHealth.Ready, params ModelVersion[] models) =>
        Table.UpdateFrom(
            new GpuReport(
                new GpuId(Self, ordinal),
                health,
                "",
                credits,
                [.. (models.Length == 0 ? [Model()] : models).Select(model => new ResidentModel(model, safe))]
            )
        );

    public bool Node(
        NodeId node,
        int queued = 0,
        bool draining = false,
        bool safe = true,
        ulong incarnation = 1,
        int limit = 8,
        bool awaited = false,
        int generation = 0,
        params ModelVersion[] models
    )
    {
        var gpu = new GpuId(node, 0);
        ModelSnapshot[] snapshots =
        [
            .. (models.Length == 0 ? [Model()] : models).Select(model => new ModelSnapshot(
                model,
                awaited ? ModelState.Loading : ModelState.Ready,
                "",
                "fake",
                [],
                [],
                awaited ? [] : [gpu],
                safe,
                Generation: generation,
                Awaited: awaited ? [gpu] : []
            )),
        ];
        long sequence = _sequences[node] = _sequences.GetValueOrDefault(node) + 1;
        return Table.UpdateFrom(
            new NodeSnapshot(
                node,
                new NodeIncarnation(incarnation),
                sequence,
                draining,
                [new GpuSnapshot(gpu, "fake", GpuHealth.Ready, "", queued, limit, 0, 0, 0)],
                snapshots,
                ""
            ),
            Now
        );
    }

    /// <summary>What this node's directory says: the devices that have the model, and those that will have it again.</summary>
    public void Own(int[] gpus, int[] awaited, ModelState state = ModelState.Ready, int number = 1) =>
        Table.UpdateOwn(
            new NodeSnapshot(
                Self,
                new NodeIncarnation(1),
                1,
                false,
                [],
                [
                    new ModelSnapshot(
                        Model(number),
                        state,
                        "",
                        "fake",
                        [],
                        [],
                        [.. gpus.Select(ordinal => new GpuId(Self, ordinal))],
                        true,
                        Awaited: [.. awaited.Select(ordinal => new GpuId(Self, ordinal))]
                    ),
                ],
                ""
            )
        );

    /// <summary>A device that holds no model at present.</summary>
    public void Empty(int ordinal, GpuHealth health = GpuHealth.Ready) =>
        Table.UpdateFrom(new GpuReport(new GpuId(Self, ordinal), health, "", 4, []));

    public Forward Forward(int bytes = 4, GpuId? gpu = null, int? number = null, double seconds = 30) =>
        new()
        {
            Id = new RequestId(new NodeIncarnation(1), ++_counter),
            Model = new ModelReference("m", number),
            Inputs = [new Tensor("x", ElementType.UInt8, new TensorShape(bytes), new byte[bytes])],
            Gpu = gpu,
            TimeLeft = TimeSpan.FromSeconds(seconds),
        };

    /// <summary>Accepts and returns what was decided.</summary>
    public RouterDecision Accept(Forward forward)
    {
        Decisions.Clear();
        Origin.Accept(forward, Sink, Now);
        return Assert.Single(Decisions);
    }

    public RouterDecision End(RequestId id, int attempt, RetryAdvice advice, NodeId? from, FailureKind kind = FailureKind.DeviceLost)
    {
        Decisions.Clear();
        Origin.End(new ForwardOutcome(attempt, new ForwardReply.Failed(id, kind, "for a reason"), advice), from, Now);
        return Assert.Single(Decisions);
    }

    public static ForwardReply.Failed Refused(RouterDecision decision)
    {
        Assert.Equal(RouterAction.AnswerSink, decision.Action);
        return Assert.IsType<ForwardReply.Failed>(decision.Reply);
    }
}
