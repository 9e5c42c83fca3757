using System.Security.Cryptography;
using Akka;
using Akka.Actor;
using Akka.Cluster;
using Troupe.Actors.Counts;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Node;

/// <summary>A node: its actors on a given actor system, and the edge's way to them.</summary>
/// <remarks>
/// <b>Owns</b> the actors it started; the actor system and the platform belong to the caller, who disposes of the platform last.
/// <b>Thread</b> any. <b>Blocks</b> never.
/// In a system with the cluster provider the node finds its peers by Akka.Cluster, joins being the caller's; in any other it is alone.
/// It is long because how a node is put together and everything that its edge asks of it stand in one place.
/// </remarks>
public sealed class TroupeNode : ITroupeNode, IAsyncDisposable
{
    private readonly TroupeNodeSpec _spec;
    private readonly ActorSystem _system;
    private readonly ClusterViewHolder _views;
    private readonly LocalCounts _counts = new();
    private readonly VersionRules _versions;
    private readonly ServedConfigurations _configurations = new();
    private readonly ConfigurationsElsewhere _elsewhere;
    private readonly IActorRef _router;
    private readonly IActorRef _node;
    private readonly IActorRef _gateway;
    private readonly IActorRef _modes;
    private readonly List<IActorRef> _actors = [];
    private readonly CancellationTokenSource _stopping = new();
    private ulong _counter;
    private volatile bool _closed;
    private int _disposed;

    private TroupeNode(ActorSystem system, TroupeNodeSpec spec)
    {
        _system = system;
        _spec = spec;
        Address address = ((ExtendedActorSystem)system).Provider.DefaultAddress;
        bool clustered = ((ExtendedActorSystem)system).Provider is ClusterActorRefProvider;
        Id = clustered ? NodeAddress.Of(address) : new NodeId(spec.LocalName);
        Span<byte> random = stackalloc byte[8];
        RandomNumberGenerator.Fill(random);
        Incarnation = new NodeIncarnation(BitConverter.ToUInt64(random));

        var clock = new NodeClock(spec.Time);
        _views = new ClusterViewHolder(Id);
        _versions = new VersionRules(spec.VersionRules());
        _router = Start(
            RouterActor.Props(new RouterState(Id, spec.SnapshotMaxAge, _versions, _counts.Audit), _views, clock),
            NodeAddress.RouterName
        );
        _node = Start(
            NodeActor.Props(new NodeState(spec, Id, Incarnation), spec, clock, _router, _views, _counts, _configurations, _stopping.Token),
            "node"
        );
        _gateway = Start(
            GatewayActor.Props(new GatewayState(Id, Incarnation), system.ActorSelection(_node.Path / "models"), _configurations.Written),
            NodeAddress.GatewayName
        );
        _elsewhere = new ConfigurationsElsewhere(Id, _gateway, _views, _configurations);
        _modes = Start(
            ModeDirectoryActor.Props(
                new ModeDirectoryState(Id, Incarnation, spec.Modes, _views, _counts.Audit, _versions),
                clock,
                _router,
                _counts
            ),
            ModeDirectoryActor.Name
        );
        _node.Tell(new IntroduceGpus(_modes), ActorRefs.NoSender);
        if (clustered)
        {
            // The directory passes the news on to the router: of losses at once, of members in reach when both hold the same modes.
            Start(MembershipActor.Props(_modes, _gateway), "membership");
        }
        else
        {
            _modes.Tell(SelfUp.Instance, ActorRefs.NoSender);
        }

        Start(DeadLetterActor.Props(), "dead-letters");
        CoordinatedShutdown shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddTask(
            CoordinatedShutdown.PhaseServiceRequestsDone,
            "troupe-drain",
            async () =>
            {
                await DrainAsync(spec.DrainBound);
                return Done.Instance;
            }
        );
        shutdown.AddTask(
            CoordinatedShutdown.PhaseBeforeActorSystemTerminate,
            "troupe-stop",
            async () =>
            {
                await DisposeAsync();
                return Done.Instance;
            }
        );
    }

    public NodeId Id { get; }

    public NodeIncarnation Incarnation { get; }

    public ClusterView View => _views.View;

    public IReadOnlyList<InstanceSnapshot> Instances => _counts.Instances;

    public ModelConfiguration? ConfigurationOf(ModelVersion model) => _configurations.Of(model);

    public VersionRule VersionRuleOf(string model, SessionId? session = null, ModeChange? call = null) =>
        _versions.Of(model, session, call);

    public Task<ModelConfiguration?> FetchConfigurationAsync(ModelVersion model, CancellationToken cancellation) =>
        _elsewhere.FetchAsync(model, cancellation);

    public IReadOnlyList<MemoryCounts> Memory => _counts.Memory;

    public ModeCounts Modes => _counts.Modes;

    public IReadOnlyList<KeyValuePair<string, AuditTally>> Audit => _counts.Audit.ReadKinds();

    public IReadOnlyList<KeyValuePair<ForeignReason, long>> ForeignMessages => Doors.Of(_system).Dropped;

    /// <summary>Starts a node's actors. The system's configuration must hold <c>akka.hocon</c>.</summary>
    public static TroupeNode Start(ActorSystem system, TroupeNodeSpec spec) => new(system, spec);

    public RequestId NextRequestId() => new(Incarnation, Interlocked.Increment(ref _counter));

    public void Forward(Forward forward, IForwardSink sink)
    {
        var accept = new AcceptForward(forward, sink);
        _router.Tell(accept, ActorRefs.NoSender);

        // The router's last message is enqueued after this flag is set: a forward that came too late for it sees the flag here.
        if (_closed && accept.TryClaim())
        {
            accept.Complete(new ForwardReply.Failed(forward.Id, FailureKind.Draining, $"Node {Id} has stopped."));
        }
    }

    public void Cancel(RequestId id) => _router.Tell(new CancelForward(id), ActorRefs.NoSender);

    public Task<ModelReply> LoadAsync(LoadModel load, NodeId? node, CancellationToken cancellation) => AskModels(load, node, cancellation);

    /// <summary>As <see cref="LoadAsync"/>, for a model that whoever runs this node chose, and nobody from outside.</summary>
    public Task<ModelReply> LoadOwnAsync(LoadModel load, CancellationToken cancellation) =>
        AskModels(new LoadOwn(load), node: null, cancellation);

    public Task<ModelReply> LoadGivenAsync(LoadModel load, GivenModel given, CancellationToken cancellation) =>
        AskModels(new LoadGiven(load, given), node: null, cancellation);

    /// <summary>As <see cref="UnloadAsync"/>, for whoever runs this node.</summary>
    public Task<ModelReply> UnloadOwnAsync(UnloadModel unload, CancellationToken cancellation) =>
        AskModels(new UnloadOwn(unload), node: null, cancellation);

    public Task<ModelReply> UnloadAsync(UnloadModel unload, NodeId? node, CancellationToken cancellation) =>
        AskModels(unload, node, cancellation);

    public async Task<ModeReply> ModesAsync(ModeRequest request, CancellationToken cancellation)
    {
        var end = new ConversationEnd<ModeReply>((kind, detail) => new ModeReply.Refused(kind, detail, []));
        if (_closed)
        {
            end.Fail(FailureKind.Draining, $"Node {Id} has stopped.");
        }
        else
        {
            _gateway.Tell(new Converse(request, _modes, null, end, _spec.AdminBound, cancellation), ActorRefs.NoSender);
        }

        return await end.Reply;
    }

    public async Task<bool> DrainAsync(TimeSpan bound)
    {
        if (_closed)
        {
            return true;
        }

        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _node.Tell(DrainNode.Instance, ActorRefs.NoSender);
        _router.Tell(new DrainRouter(drained), ActorRefs.NoSender);
        return await Task.WhenAny(drained.Task, Task.Delay(bound, _spec.Time)) == drained.Task;
    }

    /// <summary>Stops the actors; forwards that are not answered yet are answered <see cref="FailureKind.Draining"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync();
        _closed = true;

        // The router first, by a message, so that what was sent to it before is still received.
        TimeSpan bound = _spec.DeviceDrainBound + TimeSpan.FromSeconds(5);
        foreach (IActorRef actor in _actors)
        {
            try
            {
                await actor.GracefulStop(bound, PoisonPill.Instance);
            }
            catch (TaskCanceledException)
            {
                // A device hangs in a native call; its thread ends with the process.
            }
        }

        _stopping.Dispose();
    }

    private IActorRef Start(Props props, string name)
    {
        IActorRef actor = _system.ActorOf(props, name);
        _actors.Add(actor);
        return actor;
    }

    private async Task<ModelReply> AskModels(IModelRequest request, NodeId? node, CancellationToken cancellation)
    {
        var end = new ConversationEnd<ModelReply>((kind, detail) => new ModelReply.Failed(request.Name, kind, detail));
        bool elsewhere = node is { } other && other != Id;
        if (elsewhere && !View.Nodes.Any(known => known.Node == node))
        {
            bool known = View.Unreachable.Contains(node!.Value);
            end.Fail(
                known ? FailureKind.NodeUnreachable : FailureKind.NotFound,
                known ? $"Node {node} cannot be reached." : $"Node {node} is not a member of this cluster."
            );
        }
        else if (_closed)
        {
            end.Fail(FailureKind.Draining, $"Node {Id} has stopped.");
        }
        else
        {
            _gateway.Tell(new Converse(request, null, elsewhere ? node : null, end, _spec.AdminBound, cancellation), ActorRefs.NoSender);
        }

        return await end.Reply;
    }
}
