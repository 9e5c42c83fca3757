using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Counts;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Routing;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Node;

/// <summary>The parent of a node's GPUs, executors, builder and model directory: replaces executors that fail, retires devices that are
/// lost, and tells the routers how the node is.</summary>
/// <remarks><b>Owns</b> the lives of its children, which outlive its own restart as <see cref="NodeState"/> does. <b>Thread</b> its
/// mailbox's. <b>Blocks</b> never.</remarks>
internal sealed class NodeActor : ReceiveActor, INodeShell, IWithTimers
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly NodeState _state;
    private readonly NodeCore _core;
    private readonly TroupeNodeSpec _spec;
    private readonly NodeClock _clock;
    private readonly IActorRef _router;
    private readonly ClusterViewHolder _views;
    private readonly LocalCounts _counts;
    private readonly ServedConfigurations _configurations;
    private readonly CancellationToken _stopping;
    private readonly IActorRef _self;
    private readonly ITimer _timer;

    public NodeActor(
        NodeState state,
        TroupeNodeSpec spec,
        NodeClock clock,
        IActorRef router,
        ClusterViewHolder views,
        LocalCounts counts,
        ServedConfigurations configurations,
        CancellationToken stopping
    )
    {
        _state = state;
        _core = state.Core;
        _spec = spec;
        _clock = clock;
        _router = router;
        _views = views;
        _counts = counts;
        _configurations = configurations;
        _stopping = stopping;
        _self = Self;
        _timer = clock.Provider.CreateTimer(
            static self => ((IActorRef)self!).Tell(NodeTick.Instance),
            Self,
            spec.SnapshotInterval,
            spec.SnapshotInterval
        );

        On<NodeTick>(_ => _core.Tick(_clock.Now));
        On<GpuStatus>(Update);
        On<ModelsChanged>(_core.Update);
        On<ExecutorReady>(ready => _state.Models.Tell(new DevicesReady(ready.Ordinals, ready.Executor)));
        On<ExecutorLost>(EndExecutor);
        On<Terminated>(terminated => Replace(terminated.ActorRef));
        On<StartExecutor>(start => _core.EndPause(start.Group));
        On<GpuQuarantined>(quarantined => _core.Quarantine(quarantined, _clock.Now));
        On<ExecutorHangs>(hangs => _core.EndHanging(hangs, _clock.Now));
        On<DrainNode>(_ => _core.Drain());
        On<IntroduceGpus>(introduce => introduce.To.Tell(new GpusStarted(_state.Gpus)));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(
        NodeState state,
        TroupeNodeSpec spec,
        NodeClock clock,
        IActorRef router,
        ClusterViewHolder views,
        LocalCounts counts,
        ServedConfigurations configurations,
        CancellationToken stopping
    ) => Akka.Actor.Props.Create<NodeActor>(state, spec, clock, router, views, counts, configurations, stopping);

    protected override void PreStart()
    {
        var options = new InstanceOptions
        {
            MaxLanes = _spec.MaxLanes,
            MaxOutputBytes = _spec.MaxOutputBytes,
            Caches = _spec.RuntimeCaches,
            Log = _spec.RuntimeCaches.Log,
        };
        var building = new BuilderSpec(
            _spec.Platform,
            _spec.Repository,
            options,
            _spec.LoadBound,
            _spec.Probe,
            _spec.ProbesOwn,
            _spec.DefaultMaxBatchSize
        );
        IActorRef builder = Context.ActorOf(EngineBuilderActor.Props(building, _stopping), "builder");
        var directory = new ModelDirectoryState(_state.Id, _views.Elsewhere, _configurations, _spec.MaxHeldBytes, _spec.LoadsForOthers);
        _state.Models = Context.ActorOf(ModelDirectoryActor.Props(directory, builder), "models");
        foreach (GpuSpec gpu in _core.Gpus)
        {
            Props props = GpuActor.Props(gpu, _clock, _router, _state.Models);
            _state.Gpus.Add(gpu.Id.Ordinal, Context.ActorOf(props, $"gpu-{gpu.Id.Ordinal}"));
        }

        _state.Models.Tell(new GpusStarted(_state.Gpus));
        _core.Start();
        Apply();
    }

    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason, "The node failed at {0}; it goes on with what it has.", message.GetType().Name);
        _timer.Dispose();
    }

    protected override void PostRestart(Exception reason) => Apply();

    protected override void PostStop() => _timer.Dispose();

    /// <summary>GPUs, builder and directory keep what they have; an executor never goes on after a failure.</summary>
    protected override SupervisorStrategy SupervisorStrategy() =>
        new OneForOneStrategy(exception =>
            exception is ExecutorFailedException or ActorInitializationException ? Directive.Stop : Directive.Restart
        );

    void INodeShell.StartExecutor(ExecutorGroup group)
    {
        string name = $"executor-{string.Join('-', group.Ordinals)}-{group.Incarnation}";
        var pulse = new ExecutorPulse(_clock, _spec.Platform.Devices[group.Ordinals[0]].Emulated);
        var spec = new ExecutorSpec(group.Incarnation, _spec.Platform, group.Ordinals, _state.Gpus, pulse, _spec.DeviceDrainBound);
        _state.Executors[group] = Context.Watch(Context.ActorOf(ExecutorActor.Props(spec), name));
    }

    void INodeShell.StartExecutorLater(ExecutorGroup group, TimeSpan pause) =>
        Timers.StartSingleTimer(group, new StartExecutor(group), pause);

    void INodeShell.StopExecutor(ExecutorGroup group) => Context.Stop(_state.Executors[group]);

    void INodeShell.ReportLoss(ExecutorGroup group, ExecutorLost lost) =>
        _log.Error(
            "Devices {0}: {1}. {2}",
            string.Join(", ", group.Ordinals),
            lost.Reason,
            lost.DeviceGone ? "They are out of service until the node is restarted." : "A new executor follows."
        );

    void INodeShell.TellGpu(int ordinal, INodeToGpu message) => _state.Gpus[ordinal].Tell(message, _self);

    void INodeShell.TellModels(DeviceGone gone) => _state.Models.Tell(gone, _self);

    void INodeShell.TellRouter(OwnSnapshot own) => _router.Tell(own, _self);

    public void Failed(in NodeDecision decision, Exception cause)
    {
        _log.Error(cause, "The node's {0} failed.", decision.GetType().Name);
        _core.Failed(decision, cause, _clock.Now);
    }

    private void On<TMessage>(Action<TMessage> handle) =>
        Receive<TMessage>(message =>
        {
            handle(message);
            Apply();
        });

    private void Apply() => _state.Decisions.ApplyTo(this);

    private void Update(GpuStatus status)
    {
        _core.Update(status);
        _counts.Instances = _core.Counted;
        _counts.Memory = _core.Memory;
    }

    private void EndExecutor(ExecutorLost lost)
    {
        if (_state.GroupOf(Sender) is { } group)
        {
            _core.EndExecutor(group, lost, _clock.Now);
        }
    }

    private void Replace(IActorRef executor)
    {
        if (_state.GroupOf(executor) is { } group)
        {
            _core.Replace(group, _clock.Now);
        }
    }
}
