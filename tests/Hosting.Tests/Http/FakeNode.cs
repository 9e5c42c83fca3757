using System.Collections.Concurrent;
using Troupe.Actors.Counts;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Node;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Tests.Http;

/// <summary>A node made of its answers: what the endpoints see is set by the test, what they ask is recorded.</summary>
internal sealed class FakeNode : ITroupeNode
{
    private ulong _counter;

    public FakeNode(params ModelSnapshot[] models)
    {
        Gpu = new GpuId(Id, 0);
        View = new ClusterView([Snapshot(models)], []);
    }

    public NodeId Id { get; } = new("fake:1");

    public GpuId Gpu { get; }

    public NodeIncarnation Incarnation { get; } = new(7);

    public ClusterView View { get; set; }

    public IReadOnlyList<InstanceSnapshot> Instances { get; set; } = [];

    /// <summary>How its models are configured; the rest is completed.</summary>
    public Func<ModelVersion, ModelConfiguration?> Configuration { get; set; } = _ => null;

    public ModelConfiguration? ConfigurationOf(ModelVersion model) => Configuration(model);

    /// <summary>Which version takes calls that name none.</summary>
    public Func<SessionId?, ModeChange?, VersionRule> Rule { get; set; } = (_, _) => VersionRule.Default;

    public VersionRule VersionRuleOf(string model, SessionId? session = null, ModeChange? call = null) => Rule(session, call);

    /// <summary>How other nodes say that theirs are configured.</summary>
    public Func<ModelVersion, Task<ModelConfiguration?>> Fetch { get; set; } = _ => Task.FromResult<ModelConfiguration?>(null);

    public Task<ModelConfiguration?> FetchConfigurationAsync(ModelVersion model, CancellationToken cancellation) => Fetch(model);

    public ModeCounts Modes { get; set; } = ModeCounts.None;

    public IReadOnlyList<KeyValuePair<string, AuditTally>> Audit { get; set; } = [];

    /// <summary>Makes the reply to each forward; null leaves it unanswered until the test calls the sink.</summary>
    public Func<Forward, ForwardReply?> Answer { get; set; } =
        forward => new ForwardReply.Failed(forward.Id, FailureKind.Internal, "no answer was set");

    public Func<LoadModel, NodeId?, ModelReply> Load { get; set; } =
        (load, _) => new ModelReply.Failed(load.Name, FailureKind.NotFound, "no such model");

    public Func<UnloadModel, NodeId?, ModelReply> Unload { get; set; } =
        (unload, _) => new ModelReply.Failed(unload.Name, FailureKind.NotFound, "no such model");

    public ConcurrentQueue<Forward> Forwards { get; } = [];

    public ConcurrentDictionary<RequestId, TaskCompletionSource> Cancelled { get; } = [];

    public ConcurrentQueue<(Forward Forward, IForwardSink Sink)> Waiting { get; } = [];

    public RequestId NextRequestId() => new(Incarnation, Interlocked.Increment(ref _counter));

    public void Forward(Forward forward, IForwardSink sink)
    {
        Forwards.Enqueue(forward);
        Owner owner = new(forward, sink);
        if (Answer(forward) is { } reply)
        {
            owner.Complete(reply);
        }
        else
        {
            Waiting.Enqueue((forward, owner));
        }
    }

    public TaskCompletionSource Cancellation(RequestId id) =>
        Cancelled.GetOrAdd(id, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    public void Cancel(RequestId id) => Cancellation(id).TrySetResult();

    public Task<ModelReply> LoadAsync(LoadModel load, NodeId? node, CancellationToken cancellation) => Task.FromResult(Load(load, node));

    public Task<ModelReply> LoadGivenAsync(LoadModel load, GivenModel given, CancellationToken cancellation) =>
        LoadAsync(load, node: null, cancellation);

    public Task<ModelReply> UnloadAsync(UnloadModel unload, NodeId? node, CancellationToken cancellation) =>
        Task.FromResult(Unload(unload, node));

    public Task<ModeReply> ModesAsync(ModeRequest request, CancellationToken cancellation) =>
        throw new InvalidOperationException("The endpoints under test change no modes.");

    public Task<bool> DrainAsync(TimeSpan bound) => Task.FromResult(true);

    /// <summary>This node's snapshot with other models or another state.</summary>
    public NodeSnapshot Snapshot(ModelSnapshot[] models, bool draining = false, GpuHealth health = GpuHealth.Ready) =>
        new(
            Id,
            Incarnation,
            Sequence: 1,
            draining,
            [new GpuSnapshot(Gpu, "emulated", health, health == GpuHealth.Ready ? "" : "because", 3, 64, 1, 1 << 20, 1 << 30)],
            models,
            "0.0-test"
        );

    /// <summary>An addition of two FP32 [-1,3] tensors, as auto_batch of the golden repository.</summary>
    public static ModelSnapshot AddModel(string name = "add", int number = 1, ModelState state = ModelState.Ready, string reason = "") =>
        new(
            new ModelVersion(name, number, new ContentHash(1, 2, 3, (ulong)number)),
            state,
            reason,
            "onnxruntime_onnx",
            [
                new TensorSpec("INPUT0", ElementType.Fp32, new TensorShape(-1, 3)),
                new TensorSpec("INPUT1", ElementType.Fp32, new TensorShape(-1, 3)),
            ],
            [new TensorSpec("OUTPUT0", ElementType.Fp32, new TensorShape(-1, 3))],
            [new GpuId(new NodeId("fake:1"), 0)],
            SafeToResend: true
        );

    /// <summary>A fixed model without a batch.</summary>
    public static ModelSnapshot FixedModel(string name = "fixed") =>
        AddModel(name) with
        {
            Inputs = [new TensorSpec("INPUT0", ElementType.Int64, new TensorShape(2, 3))],
            Outputs = [new TensorSpec("OUTPUT0", ElementType.Int64, new TensorShape(2, 3))],
        };

    /// <summary>Succeeds with the first input's bytes as OUTPUT0.</summary>
    public ForwardReply Echo(Forward forward) =>
        new ForwardReply.Succeeded(
            forward.Id,
            [forward.Inputs[0] with { Name = "OUTPUT0", Data = forward.Inputs[0].Data.ToArray() }],
            new ForwardReport(View.Nodes[0].Models[0].Model, Gpu, 0, 1, new StageTimes(1000, 2000, 3000, 4000))
        );

    /// <summary>Ends the leases of the inputs with the reply, as a node does.</summary>
    private sealed class Owner(Forward forward, IForwardSink sink) : IForwardSink
    {
        public void Complete(ForwardReply reply)
        {
            forward.Inputs.Release();
            sink.Complete(reply);
        }
    }
}
