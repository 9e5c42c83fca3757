using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>One GPU of the node: takes forwards from the router and hands launches to the executor of its device; always responsive,
/// whatever the device does.</summary>
/// <remarks><b>Owns</b> a <see cref="GpuCore"/>, which survives a restart of the actor. <b>Thread</b> its mailbox's. <b>Blocks</b>
/// never.</remarks>
internal sealed class GpuActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly GpuCore _core;
    private readonly List<GpuDecision> _decisions;
    private readonly NodeClock _clock;
    private readonly IActorRef _router;
    private readonly IActorRef _models;
    private readonly IActorRef _node = Context.Parent;
    private readonly IActorRef _self;
    private readonly int _ordinal;
    private readonly StrongBox<IActorRef> _executor;

    public GpuActor(
        GpuSpec spec,
        GpuCore core,
        List<GpuDecision> decisions,
        StrongBox<IActorRef> executor,
        NodeClock clock,
        IActorRef router,
        IActorRef models
    )
    {
        _ordinal = spec.Id.Ordinal;
        _core = core;
        _decisions = decisions;
        _executor = executor;
        _clock = clock;
        _router = router;
        _models = models;
        _self = Self;

        Receive<QueuedForward>(forward =>
        {
            _core.Admit(forward, _clock.Now);
            Perform();
        });
        Receive<LaunchEnded>(ended =>
        {
            _core.Complete(ended, _clock.Now);
            Perform();
        });
        Receive<DropForward>(drop =>
        {
            _core.Drop(drop, _clock.Now);
            Perform();
        });
        Receive<HeartbeatAnswer>(answer =>
        {
            _core.Beat(answer);
            Perform();
        });
        Receive<GpuTick>(_ => Tick());
        Receive<ExecutorReady>(Start);
        Receive<ExecutorLost>(lost =>
        {
            _core.Lose(lost);
            Perform();
        });
        Receive<DeviceFaulted>(faulted =>
        {
            _core.Fault(faulted);
            Perform();
        });
        Receive<InstanceAdopted>(adopted =>
        {
            _core.Adopt(adopted, _clock.Now);
            Perform();
        });
        Receive<UnloadInstance>(unload =>
        {
            _core.Unload(unload);
            Perform();
        });
        Receive<InstanceRetired>(retired =>
        {
            _core.Retired(retired);
            Perform();
        });
        Receive<PrepareModes>(prepare =>
        {
            _core.Modes.Prepare(prepare, Sender);
            Perform();
        });
        Receive<CommitModes>(commit =>
        {
            _core.Modes.Commit(commit, Sender, _core.Incarnation);
            Perform();
        });
        Receive<SettingsApplied>(applied =>
        {
            _core.Applied(applied, _clock.Now);
            Perform();
        });
        Receive<ResourcesReleased>(released =>
        {
            _core.Released(released, _clock.Now);
            Perform();
        });
        Receive<DrainGpu>(_ =>
        {
            _core.Drain();
            Tick();
        });
    }

    public static Props Props(GpuSpec spec, NodeClock clock, IActorRef router, IActorRef models)
    {
        var decisions = new List<GpuDecision>();
        return Akka.Actor.Props.Create<GpuActor>(
            spec,
            new GpuCore(spec, decisions),
            decisions,
            new StrongBox<IActorRef>(ActorRefs.Nobody),
            clock,
            router,
            models
        );
    }

    protected override void PreStart()
    {
        _core.Report();
        Perform();
    }

    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason, "Device {0} failed at {1}; it goes on with what it has.", _ordinal, message.GetType().Name);
        _decisions.Clear();
    }

    protected override void PostStop()
    {
        _core.Stop();
        Perform();
    }

    private void Start(ExecutorReady ready)
    {
        _executor.Value = ready.Executor;
        _core.Start(ready);
        Perform();
    }

    private void Tick()
    {
        _core.Watch(_clock.Now);
        _decisions.Add(GpuDecision.Node(_core.State()));
        Perform();
    }

    private void Perform()
    {
        for (int i = 0; i < _decisions.Count; i++)
        {
            Perform(_decisions[i]);
        }

        _decisions.Clear();
    }

    private void Perform(in GpuDecision decision)
    {
        switch (decision.Action)
        {
            case GpuAction.TellExecutor:
                _executor.Value!.Tell(decision.Message, _self);
                break;
            case GpuAction.Release:
                Release(decision);
                break;
            case GpuAction.TellRouter:
                _router.Tell(decision.Message, _self);
                break;
            case GpuAction.TellNode:
                _node.Tell(decision.Message, _self);
                break;
            case GpuAction.TellModels:
                _models.Tell(decision.Message, _self);
                break;
            case GpuAction.AnswerModes:
                ((IActorRef)decision.ReplyTo!).Tell(decision.Message, _self);
                break;
        }
    }

    /// <summary>The outcome goes straight to its origin; where that is this node's router, credit and outcome are one message.</summary>
    private void Release(in GpuDecision decision)
    {
        QueuedForward forward = decision.Forward!;
        if (forward.Origin is { } origin && decision.Outcome is { } outcome)
        {
            origin.Answer(outcome);
            _router.Tell(new GpuRelease(_ordinal, forward.Forward.Id, forward.Attempt, null), _self);
        }
        else
        {
            _router.Tell(new GpuRelease(_ordinal, forward.Forward.Id, forward.Attempt, decision.Outcome), _self);
        }
    }
}
