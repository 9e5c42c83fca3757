using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Gpu;

/// <summary>One GPU of the node: takes forwards from the router and hands launches to the executor of its device; always responsive,
/// whatever the device does.</summary>
/// <remarks><b>Owns</b> nothing: what it knows is in <see cref="GpuState"/>, which survives a restart of the actor. <b>Thread</b> its
/// mailbox's. <b>Blocks</b> never.</remarks>
internal sealed class GpuActor : ReceiveActor, IGpuShell
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly GpuState _state;
    private readonly GpuCore _core;
    private readonly NodeClock _clock;
    private readonly IActorRef _router;
    private readonly IActorRef _models;
    private readonly IActorRef _node = Context.Parent;
    private readonly IActorRef _self;

    public GpuActor(GpuState state, NodeClock clock, IActorRef router, IActorRef models)
    {
        _state = state;
        _core = state.Core;
        _clock = clock;
        _router = router;
        _models = models;
        _self = Self;

        On<DispatchForward>(dispatch => _core.Admit(dispatch, _clock.Now));
        On<LaunchEnded>(ended => _core.Complete(ended, _clock.Now));
        On<DropForward>(drop => _core.Drop(drop, _clock.Now));
        On<HeartbeatAnswer>(_core.Beat);
        On<GpuTick>(_ => _core.Tick(_clock.Now));
        On<ExecutorReady>(Start);
        On<ExecutorLost>(_core.EndExecutor);
        On<DeviceFaulted>(_core.Fault);
        On<InstanceAdopted>(adopted => _core.Adopt(adopted, _clock.Now));
        On<UnloadInstance>(_core.Unload);
        On<InstanceRetired>(_core.Retired);
        On<CheckGpuModes>(check => _core.Modes.Check(check, Asker()));
        On<ApplyGpuModes>(apply => _core.Modes.Apply(apply, Asker()));
        On<SettingsApplied>(applied => _core.Applied(applied, _clock.Now));
        On<ResourcesReleased>(released => _core.Released(released, _clock.Now));
        On<DrainGpu>(_ => Drain());
    }

    public static Props Props(GpuSpec spec, NodeClock clock, IActorRef router, IActorRef models) =>
        Akka.Actor.Props.Create<GpuActor>(new GpuState(spec), clock, router, models);

    protected override void PreStart()
    {
        _core.Report();
        Apply();
    }

    protected override void PreRestart(Exception reason, object message) =>
        _log.Error(reason, "Device {0} failed at {1}; it goes on with what it has.", _state.Spec.Id, message.GetType().Name);

    protected override void PostStop()
    {
        _core.Stop();
        Apply();
    }

    void IGpuShell.TellExecutor(IExecutorRequest request) => _state.Executor.Tell(request, _self);

    void IGpuShell.AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome) => origin.Answer(outcome);

    void IGpuShell.Release(GpuRelease release) => _router.Tell(release, _self);

    void IGpuShell.TellRouter(GpuReport report) => _router.Tell(report, _self);

    void IGpuShell.TellNode(IGpuNews news) => _node.Tell(news, _self);

    void IGpuShell.TellModels(IInstanceNews news) => _models.Tell(news, _self);

    void IGpuShell.AnswerModes(IReplyTo<IGpuModesAnswer> asker, IGpuModesAnswer answer) => asker.Answer(answer);

    public void Failed(in GpuDecision decision, Exception cause)
    {
        _log.Error(cause, "Device {0}: {1} of {2} failed.", _state.Spec.Id, decision.Action, decision.Message.GetType().Name);
        _core.Failed(decision, cause, _clock.Now);
    }

    private void On<TMessage>(Action<TMessage> handle) =>
        Receive<TMessage>(message =>
        {
            handle(message);
            Apply();
        });

    private void Apply() => _state.Decisions.ApplyTo(this);

    private ActorReply<IGpuModesAnswer> Asker() => new(Sender, _self);

    private void Start(ExecutorReady ready)
    {
        _state.Executor = ready.Executor;
        _core.Start(ready);
    }

    private void Drain()
    {
        _core.Drain();
        _core.Tick(_clock.Now);
    }
}
