using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Decisions;
using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Gpu;

/// <summary>The one thread that uses the device contexts of its executor group; its mailbox is their lock.</summary>
/// <remarks>
/// <b>Owns</b> the device group, the instances it adopted and their lanes. <b>Thread</b> its own, pinned: plain messages only, nothing is
/// awaited. <b>Blocks</b> in <see cref="PostStop"/>, at most for the drain bound, and,
/// on emulated devices, while a forward runs. Never restarted: a failure ends it and its node makes another with the next incarnation.
/// </remarks>
internal sealed class ExecutorActor : ReceiveActor, IExecutorShell
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ExecutorSpec _spec;
    private readonly IActorRef _self;
    private readonly IActorRef _node = Context.Parent;
    private readonly DecisionQueue<ExecutorDecision, IExecutorShell> _decisions = new();
    private IDeviceGroup? _group;
    private ExecutorCore? _core;
    private Exception? _failure;

    public ExecutorActor(ExecutorSpec spec)
    {
        _spec = spec;
        _self = Self;

        On<Launch>("a launch", (core, launch) => core.Run(launch));
        On<Wake>("a look at its lanes", (core, _) => core.Poll());
        On<Heartbeat>("a look at its lanes", (core, heartbeat) => core.Beat(heartbeat));
        On<AdoptInstance>("taking an instance", (core, adopt) => core.Adopt(adopt));
        On<RetireInstance>("disposing of an instance", (core, retire) => core.Retire(retire));
        On<ApplySettings>("applying settings", (core, apply) => core.Apply(apply));
        On<ReleaseResources>("freeing what no mode holds", (core, release) => core.ReleaseHeld(release));
    }

    public static Props Props(ExecutorSpec spec) => Akka.Actor.Props.Create<ExecutorActor>(spec).WithDispatcher("troupe.executor");

    protected override void PreStart()
    {
        try
        {
            _group = _spec.Platform.OpenGroup(_spec.Ordinals);
        }
        catch (ForwardException exception)
        {
            _node.Tell(new ExecutorLost(_spec.Incarnation, exception.Message, exception.Kind == FailureKind.DeviceLost), _self);
            Context.Stop(_self);
            return;
        }

        _core = new ExecutorCore(_spec.Incarnation, _group, _spec.Pulse, () => _self.Tell(Wake.Instance, _self), _decisions);
        var ready = new ExecutorReady(_spec.Incarnation, _self, _spec.Ordinals, _spec.Pulse);
        foreach (int ordinal in _spec.Ordinals)
        {
            _spec.Gpus[ordinal].Tell(ready, _self);
        }

        _node.Tell(ready, _self);
    }

    protected override bool AroundReceive(Receive receive, object message)
    {
        try
        {
            return base.AroundReceive(receive, message);
        }
        catch (Exception exception)
        {
            // A fault of the device is judged before the failure that came of it. What was decided before goes out first: launches that
            // have ended are not lost with this executor.
            CrashEvidence evidence = _core?.EvidenceOfFailure ?? default;
            _core?.CheckFault(evidence);
            _decisions.ApplyTo(this);

            // The node must hear of it before the clean-up, which may take as long as the drain bound.
            _node.Tell(new ExecutorLost(_spec.Incarnation, $"its executor failed: {exception.Message}", false, evidence), _self);
            throw new ExecutorFailedException(exception);
        }
    }

    protected override void PostStop()
    {
        if (_group is not { } group)
        {
            return;
        }

        try
        {
            if (!group.Drain(_spec.DrainBound) && group.Fault is null)
            {
                _log.Warning(
                    "The work of devices {0} did not end within {1}; their memory stays with the process.",
                    string.Join(", ", _spec.Ordinals),
                    _spec.DrainBound
                );
                return;
            }

            _core?.Dispose();
            group.Dispose();
        }
        catch (Exception exception)
        {
            _log.Error(exception, "The devices {0} could not be let go in order.", string.Join(", ", _spec.Ordinals));
        }
    }

    void IExecutorShell.TellGpu(int ordinal, IExecutorNews news) => _spec.Gpus[ordinal].Tell(news, _self);

    /// <summary>What was not told is lost with this executor: its end answers those who wait for it.</summary>
    public void Failed(in ExecutorDecision decision, Exception cause)
    {
        _log.Error(cause, "{0} did not reach device {1}.", decision.Message.GetType().Name, decision.Ordinal);
        _failure ??= cause;
    }

    /// <param name="step">What it is in meanwhile, in words.</param>
    private void On<TMessage>(string step, Action<ExecutorCore, TMessage> handle) =>
        Receive<TMessage>(message =>
        {
            _spec.Pulse.Enter(step);
            handle(_core!, message);
            _decisions.ApplyTo(this);
            _spec.Pulse.Leave();
            if (_failure is not null)
            {
                throw new ExecutorFailedException(_failure);
            }
        });

    /// <summary>A lane may be done: sent by the lanes' wake, from any thread.</summary>
    private sealed class Wake : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public static Wake Instance { get; } = new();
    }
}
