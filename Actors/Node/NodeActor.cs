using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Counts;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Routing;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Node;

/// <summary>The parent of a node's GPUs, executors, builder and model directory: replaces executors that fail, retires devices that are
/// lost, and tells the routers how the node is.</summary>
/// <remarks><b>Owns</b> the lives of its children. <b>Thread</b> its mailbox's. <b>Blocks</b> never.</remarks>
internal sealed class NodeActor : ReceiveActor, IWithTimers
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly TroupeNodeSpec _spec;
    private readonly NodeId _id;
    private readonly NodeIncarnation _incarnation;
    private readonly NodeClock _clock;
    private readonly IActorRef _router;
    private readonly IActorRef _models;
    private readonly Dictionary<int, IActorRef> _gpus = [];
    private readonly List<ExecutorGroup> _groups = [];
    private readonly GpuSnapshot[] _gpuSnapshots;
    private readonly IReadOnlyList<InstanceSnapshot>[] _instanceSnapshots;
    private readonly LocalCounts _counts;
    private readonly ITimer _timer;
    private ModelSnapshot[] _modelSnapshots = [];
    private long _sequence;
    private bool _draining;

    public NodeActor(
        TroupeNodeSpec spec,
        NodeId id,
        NodeIncarnation incarnation,
        NodeClock clock,
        IActorRef router,
        ClusterViewHolder views,
        LocalCounts counts,
        CancellationToken stopping
    )
    {
        _spec = spec;
        _counts = counts;
        _id = id;
        _incarnation = incarnation;
        _clock = clock;
        _router = router;
        IActorRef builder = Context.ActorOf(
            EngineBuilderActor.Props(
                spec.Platform,
                spec.Repository,
                new InstanceOptions { MaxLanes = spec.MaxLanes, Caches = spec.RuntimeCaches },
                stopping
            ),
            "builder"
        );
        _models = Context.ActorOf(ModelDirectoryActor.Props(new ModelDirectoryState(id, views.Elsewhere), builder), "models");
        _gpuSnapshots = new GpuSnapshot[spec.Platform.Devices.Count];
        _instanceSnapshots = [.. _gpuSnapshots.Select(_ => (IReadOnlyList<InstanceSnapshot>)[])];
        _timer = clock.Provider.CreateTimer(
            static self => ((IActorRef)self!).Tell(NodeTick.Instance),
            Self,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );

        Receive<NodeTick>(_ => Tick());
        Receive<GpuStatus>(Hear);
        Receive<ModelsChanged>(Hear);
        Receive<ExecutorReady>(ready => _models.Tell(new DevicesReady(ready.Ordinals, ready.Executor)));
        Receive<ExecutorLost>(lost => End(GroupOf(Sender), lost.Incarnation, lost.Reason, lost.DeviceGone));
        Receive<Terminated>(terminated => Replace(GroupOf(terminated.ActorRef)));
        Receive<StartExecutor>(start => Start(start.Group));
        Receive<GpuQuarantined>(Quarantine);
        Receive<DrainNode>(_ => Drain());
        Receive<IntroduceGpus>(introduce => introduce.To.Tell(new GpusStarted(_gpus)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        TroupeNodeSpec spec,
        NodeId id,
        NodeIncarnation incarnation,
        NodeClock clock,
        IActorRef router,
        ClusterViewHolder views,
        LocalCounts counts,
        CancellationToken stopping
    ) => Akka.Actor.Props.Create<NodeActor>(spec, id, incarnation, clock, router, views, counts, stopping);

    protected override void PreStart()
    {
        foreach (DeviceDescription device in _spec.Platform.Devices)
        {
            var gpu = new GpuSpec(
                new GpuId(_id, device.Ordinal),
                device.Name,
                device.MemoryBytes,
                _spec.QueueLimit,
                _spec.LaunchLimit,
                _spec.WatchdogBound
            );
            _gpus.Add(device.Ordinal, Context.ActorOf(GpuActor.Props(gpu, _clock, _router, _models), $"gpu-{device.Ordinal}"));
            _gpuSnapshots[device.Ordinal] = new GpuSnapshot(
                gpu.Id,
                device.Name,
                GpuHealth.Starting,
                "",
                0,
                _spec.QueueLimit,
                0,
                0,
                device.MemoryBytes
            );
        }

        _models.Tell(new GpusStarted(_gpus));
        foreach (IReadOnlyList<int> ordinals in _spec.Groups())
        {
            var group = new ExecutorGroup(ordinals, _spec.ExecutorFailureLimit, _spec.ExecutorFailureWindow);
            _groups.Add(group);
            Start(group);
        }

        Publish(null, null);
        _timer.Change(_spec.SnapshotInterval, _spec.SnapshotInterval);
    }

    protected override void PostStop() => _timer.Dispose();

    /// <summary>GPUs, builder and directory keep what they have; an executor never goes on after a failure.</summary>
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(exception =>
            exception is ExecutorFailedException or ActorInitializationException ? Directive.Stop : Directive.Restart
        );

    private void Start(ExecutorGroup group)
    {
        if (group.Quarantined)
        {
            return;
        }

        int incarnation = group.Begin();
        string name = $"executor-{string.Join('-', group.Ordinals)}-{incarnation}";
        var spec = new ExecutorSpec(incarnation, _spec.Platform, group.Ordinals, _gpus, _spec.DeviceDrainBound);
        group.Executor = Context.Watch(Context.ActorOf(ExecutorActor.Props(spec), name));
    }

    /// <summary>An executor has failed: its GPUs and the directory hear of it at once, before the executor has cleaned up.</summary>
    private void End(ExecutorGroup? group, int incarnation, string reason, bool deviceGone)
    {
        if (group is null || group.Quarantined || group.EndTold || incarnation != group.Incarnation)
        {
            return;
        }

        if (!deviceGone && group.Fails(_clock.Now))
        {
            deviceGone = true;
            reason =
                $"its executor failed more than {_spec.ExecutorFailureLimit} times within {_spec.ExecutorFailureWindow.TotalSeconds:0} s; last: {reason}";
        }

        group.EndTold = true;
        group.Quarantined = deviceGone;
        _log.Error(
            "Devices {0}: {1}. {2}",
            string.Join(", ", group.Ordinals),
            reason,
            deviceGone ? "They are out of service until the node is restarted." : "A new executor follows."
        );
        foreach (int ordinal in group.Ordinals)
        {
            _gpus[ordinal].Tell(new ExecutorLost(incarnation, reason, deviceGone));
            _models.Tell(new DeviceGone(ordinal, reason, deviceGone));
        }
    }

    private void Replace(ExecutorGroup? group)
    {
        if (group is null)
        {
            return;
        }

        End(group, group.Incarnation, "its executor ended", deviceGone: false);
        if (group.Quarantined)
        {
            return;
        }

        TimeSpan backoff = group.Backoff();
        if (backoff == TimeSpan.Zero)
        {
            Start(group);
        }
        else
        {
            Timers.StartSingleTimer(group, new StartExecutor(group), backoff);
        }
    }

    private void Quarantine(GpuQuarantined quarantined)
    {
        ExecutorGroup group = _groups.Find(candidate => candidate.Ordinals.Contains(quarantined.Gpu.Ordinal))!;
        if (group.Quarantined)
        {
            return;
        }

        End(group, group.Incarnation, quarantined.Reason, deviceGone: true);
        group.Quarantined = true;
        Context.Stop(group.Executor);
    }

    private void Tick()
    {
        foreach (IActorRef gpu in _gpus.Values)
        {
            gpu.Tell(GpuTick.Instance, Self);
        }

        Publish(null, null);
    }

    private void Hear(GpuStatus state)
    {
        GpuSnapshot snapshot = state.Snapshot;
        _instanceSnapshots[snapshot.Gpu.Ordinal] = state.Instances;
        _counts.Instances = [.. _instanceSnapshots.SelectMany(instances => instances)];
        GpuSnapshot before = _gpuSnapshots[snapshot.Gpu.Ordinal];
        _gpuSnapshots[snapshot.Gpu.Ordinal] = snapshot;
        if (before.Health != snapshot.Health)
        {
            Publish(null, null);
        }
    }

    private void Hear(ModelsChanged changed)
    {
        _modelSnapshots = changed.Models;
        Publish(changed.ReplyTo, changed.Reply);
    }

    private void Drain()
    {
        _draining = true;
        foreach (IActorRef gpu in _gpus.Values)
        {
            gpu.Tell(DrainGpu.Instance, Self);
        }

        Publish(null, null);
    }

    /// <summary>Through the router, which tells the others; the answer to a load follows the news, so that whoever has it sees the
    /// model.</summary>
    private void Publish(IActorRef? replyTo, ModelReply? reply)
    {
        var snapshot = new NodeSnapshot(_id, _incarnation, ++_sequence, _draining, [.. _gpuSnapshots], _modelSnapshots, _spec.Version);
        _router.Tell(new OwnSnapshot(snapshot, replyTo, reply));
    }

    private ExecutorGroup? GroupOf(IActorRef executor) => _groups.Find(group => group.Executor.Equals(executor));
}
