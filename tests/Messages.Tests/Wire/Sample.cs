using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;

namespace Troupe.Messages.Tests.Wire;

/// <summary>One fixed message of every type, with every field set: what the golden bytes are made from. Fields may be added, values never
/// change.</summary>
internal static class Sample
{
    public static readonly NodeId Node = new("10.0.0.1:4053");
    public static readonly GpuId Gpu = new(Node, 1);
    public static readonly RequestId Id = new(new NodeIncarnation(0x0123456789abcdef), 42);
    public static readonly ModelVersion Model = new("fmnist", 3, new ContentHash(1, 2, 3, ulong.MaxValue));
    public static readonly ModeToken Token = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"));
    public static readonly ForwardReport Report = new(Model, Gpu, 7, 2, new StageTimes(1, 200, 30_000, 4_000_000_000));

    public static readonly ModeChange Change = new()
    {
        CudaGraphs = CudaGraphsMode.Auto,
        PreAllocatedOutputs = true,
        OutputAllocator = false,
        MultiDeviceSafe = true,
        Profile = ProfileChoice.Pinned(2),
        WeightBudget = WeightBudget.OfFraction(0.5),
        Workspace = WorkspaceStrategy.Dynamic,
        RuntimeSettings = new RuntimeSettingsChange(
            KernelSpecialization.Eager,
            EngineGraphStrategy.WholeGraphCapture,
            RuntimeCacheChoice.File("/var/cache/rtx")
        ),
        Profiling = ProfilingFormat.Perfetto,
    };

    public static readonly ModeScope Scope = new(Node, Gpu, new ModelReference("fmnist", 3), new SessionId(Token.Value));

    public static readonly Forward Forward = new()
    {
        Id = Id,
        Model = new ModelReference("fmnist", 3),
        Inputs = [Tensor("x"), new Tensor("s", ElementType.Bytes, new TensorShape(2), new byte[] { 1, 0, 0, 0, (byte)'a', 0, 0, 0, 0 })],
        Outputs = ["logits"],
        TimeLeft = TimeSpan.FromMilliseconds(1500),
        Gpu = Gpu,
        Session = new SessionId(Token.Value),
        Modes = Change,
        TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };

    private const string Owner = "akka.tcp://troupe@10.0.0.1:4053/user/owner#1";
    private static readonly SessionId Session = new(Token.Value);
    private static readonly ModeStamp Stamp = new(7, new NodeIncarnation(5), 3);
    private static readonly ModeEntry Mode = new(
        Stamp,
        Token,
        Scope,
        Change,
        Node,
        Owner,
        new ModeLease(Stamp, TimeSpan.FromSeconds(9)),
        new ModeEnd(8, ModeEndReason.OwnerDied),
        true
    );
    private static readonly ModeObjection Objection = new(Gpu, Model, FailureKind.NotSupported, "no streamable weights", true);
    private static readonly ModeObstacle Unreached = new(Node, Gpu, "unreachable");

    public static IReadOnlyList<object> All { get; } =
    [
        Forward,
        new ForwardReply.Succeeded(Id, [Tensor("logits")], Report),
        new ForwardReply.Failed(Id, FailureKind.QueueFull, "queue full"),
        new CancelForward(Id),
        new RouteForward(Forward with { Modes = null, Session = null }, 2),
        new ForwardOutcome(2, new ForwardReply.Failed(Id, FailureKind.Draining, "draining"), RetryAdvice.Bounce),
        new AbandonForward(Id, 3),
        new GuiltyForwards([new GuiltyForward(Model, 1, ulong.MaxValue, TimeSpan.FromMinutes(9), "device 10.0.0.1:4053/1")]),
        new LoadModel("fmnist", 3, "/models/fmnist", [0, 1]),
        new UnloadModel("fmnist", 3),
        new ModelReply.Loaded(Model, [Gpu]),
        new ModelReply.Unloaded("fmnist", [1, 3]),
        new ModelReply.Failed("fmnist", FailureKind.InvalidModel, "truncated"),
        new AskModels(Id, Node, new LoadModel("fmnist", 3), null),
        new ModelsAnswered(Id, new ModelReply.Loaded(Model, [Gpu])),
        new AskConfiguration(Id, Node, Model, 49152),
        new ConfigurationPart(Id, 49155, new byte[] { 1, 2, 3 }),
        new SetMode(Scope, Change),
        new UnsetMode(Scope, ["cuda-graphs", "profile"]),
        new EnterMode(Scope, Change, TimeSpan.FromSeconds(30), Owner),
        new RenewMode(Token, TimeSpan.FromSeconds(30)),
        new ExitMode(Token),
        new GetModes(Scope),
        new ExplainModes(Scope),
        new GetAudit(Scope),
        new ModeReply.Applied(7, [Gpu], [Unreached]),
        new ModeReply.Entered(Token, 7, [Gpu], [Unreached]),
        new ModeReply.Renewed(Token, TimeSpan.FromSeconds(30)),
        new ModeReply.Exited(Token, 7, [Unreached]),
        new ModeReply.Listing([new ModeEntrySnapshot(Token, Scope, Change, 7, TimeSpan.FromSeconds(9), Node, true)], 7),
        new ModeReply.Explanation(
            ModeSettings.Default with
            {
                RuntimeSettings = new RuntimeSettings(CachePath: null),
            },
            [new ModeExplanation("CudaGraphs", "Auto", "cluster", 7, "conflict")],
            7,
            [Unreached]
        ),
        new ModeReply.Refused(FailureKind.ModeConflict, "conflict", [Unreached]),
        new ModeReply.SessionOpened(Session, TimeSpan.FromSeconds(30), 7),
        new ModeReply.SessionRenewed(Session, TimeSpan.FromSeconds(30)),
        new ModeReply.SessionClosed(Session, 7),
        new ModeReply.Audited([new AuditRow(Scope, new AuditTally(9, 5, [new FailureTally(FailureKind.QueueFull, 3)], 2, 7, 1))]),
        new OpenSession(TimeSpan.FromSeconds(30), Owner),
        new RenewSession(Session, TimeSpan.FromSeconds(30)),
        new CloseSession(Session),
        new PrepareModeChange(1, Node, 7, Mode, Scope, TimeSpan.FromSeconds(2)),
        new ModeChangePrepared(1, Node, 7, [Objection]),
        new CommitModeChange(1, Node, 7, [Mode], TimeSpan.FromSeconds(2)),
        new ModeChangeCommitted(1, Node, 7, [Gpu], [new GpuId(Node, 2)], [Objection]),
        new CompareModes(1, Node, 7, 0xfedcba9876543210),
        new ModePage(1, Node, 7, 0, 1, [Mode]),
        new NodeSnapshot(
            Node,
            new NodeIncarnation(5),
            9,
            true,
            [new GpuSnapshot(Gpu, "Emulated", GpuHealth.Quarantined, "hung", 1, 64, 2, 3_000_000_000, 4_000_000_000)],
            [
                new ModelSnapshot(
                    Model,
                    ModelState.Ready,
                    "",
                    "onnxruntime_onnx",
                    [new TensorSpec("image", ElementType.Fp32, new TensorShape(-1, 1, 28, 28))],
                    [new TensorSpec("logits", ElementType.Fp32, new TensorShape(-1, 10))],
                    [Gpu],
                    true
                ),
            ],
            "0.1.0"
        ),
        new ResidencyPage(
            Node,
            new NodeIncarnation(5),
            7,
            1,
            2,
            [new ModelSnapshot(Model, ModelState.Unavailable, "unloaded", "", [], [], [], true)]
        ),
        new AskResidency(Node),
    ];

    /// <summary>Messages that use a field which their type got later, by type and field: each has a golden line of its own, and those above
    /// keep theirs.</summary>
    public static IReadOnlyDictionary<string, object> WithLaterFields { get; } =
        new Dictionary<string, object>
        {
            ["Forward+Class"] = Forward with { Priority = 3, Class = ForwardClass.Batch },
            ["Forward+Class+QueueTime"] = Forward with
            {
                Priority = 3,
                Class = ForwardClass.Batch,
                QueueTime = TimeSpan.FromMilliseconds(5),
            },
            ["RouteForward+Suspect"] = (RouteForward)All.Single(message => message is RouteForward) with { Suspect = true },
            ["RouteForward+Suspect+Content"] = (RouteForward)All.Single(message => message is RouteForward) with
            {
                Content = new ContentHash(1, 2, 3, ulong.MaxValue),
            },
            ["LoadModel+Replaces"] = (LoadModel)All.Single(message => message is LoadModel) with
            {
                Replaces = [new ContentHash(1, 2, 3, ulong.MaxValue)],
            },
            ["ForwardOutcome+Launched+Alone"] = (ForwardOutcome)All.Single(message => message is ForwardOutcome) with
            {
                Launched = true,
                Alone = true,
            },
            ["ForwardOutcome+Launched+Alone+Gpu"] = (ForwardOutcome)All.Single(message => message is ForwardOutcome) with
            {
                Launched = true,
                Alone = true,
                Gpu = Gpu,
            },
            ["ForwardOutcome+Launched"] = (ForwardOutcome)All.Single(message => message is ForwardOutcome) with { Launched = true },
            ["GuiltyForwards+Suspect"] = new GuiltyForwards([
                ((GuiltyForwards)All.Single(message => message is GuiltyForwards)).Forwards[0] with
                {
                    Suspect = true,
                },
            ]),
            ["SetMode+Audit"] = (SetMode)All.Single(message => message is SetMode) with { Change = new ModeChange { Audit = true } },
            ["SetMode+Version"] = (SetMode)All.Single(message => message is SetMode) with
            {
                Change = new ModeChange { Version = VersionChoice.Weighted((1, 90), (2, 10)) },
            },
            ["NodeSnapshot+WireLevel"] = (NodeSnapshot)All.Single(message => message is NodeSnapshot) with { WireLevel = 3 },
            ["NodeSnapshot+WireLevel+IsRefused"] = Refused((NodeSnapshot)All.Single(message => message is NodeSnapshot)),
            ["NodeSnapshot+WireLevel+IsRefused+Generation"] = Reloaded((NodeSnapshot)All.Single(message => message is NodeSnapshot)),
            ["NodeSnapshot+WireLevel+IsRefused+Generation+Residency"] = Reloaded(
                (NodeSnapshot)All.Single(message => message is NodeSnapshot)
            ) with
            {
                Residency = 7,
            },
            ["NodeSnapshot+WireLevel+IsRefused+Generation+Residency+Awaited"] = Awaited(
                Reloaded((NodeSnapshot)All.Single(message => message is NodeSnapshot)) with
                {
                    Residency = 7,
                }
            ),
        };

    public static Tensor Tensor(string name) =>
        new(name, ElementType.Fp32, new TensorShape(1, 2), new byte[] { 0, 0, 128, 63, 0, 0, 0, 64 });

    private static NodeSnapshot Awaited(NodeSnapshot node) =>
        node with
        {
            Models = [.. node.Models.Select(model => model with { Awaited = [Gpu] })],
        };

    private static NodeSnapshot Reloaded(NodeSnapshot node) =>
        node with
        {
            WireLevel = 3,
            Models = [.. node.Models.Select(model => model with { IsRefused = true, Generation = 2 })],
        };

    private static NodeSnapshot Refused(NodeSnapshot node) =>
        node with
        {
            WireLevel = 3,
            Models = [.. node.Models.Select(model => model with { IsRefused = true })],
        };
}
