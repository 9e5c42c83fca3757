using Akka.Actor;
using Akka.Event;
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
internal sealed class ExecutorActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ExecutorSpec _spec;
    private readonly IActorRef _self;
    private readonly IActorRef _node = Context.Parent;
    private readonly List<ExecutorDecision> _decisions = [];
    private IDeviceGroup? _group;
    private ExecutorCore? _core;

    public ExecutorActor(ExecutorSpec spec)
    {
        _spec = spec;
        _self = Self;

        Receive<Launch>(launch =>
        {
            _core!.Run(launch);
            Perform();
        });
        Receive<Wake>(_ =>
        {
            _core!.Poll();
            Perform();
        });
        Receive<Heartbeat>(heartbeat =>
        {
            _core!.Beat(heartbeat);
            Perform();
        });
        Receive<AdoptInstance>(adopt =>
        {
            _core!.Adopt(adopt);
            Perform();
        });
        Receive<RetireInstance>(retire =>
        {
            _core!.Retire(retire);
            Perform();
        });
        Receive<ApplySettings>(apply =>
        {
            _core!.Apply(apply);
            Perform();
        });
        Receive<ReleaseResources>(release =>
        {
            _core!.Release(release);
            Perform();
        });
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

        _core = new ExecutorCore(_spec.Incarnation, _group, () => _self.Tell(Wake.Instance, _self), _decisions);
        var ready = new ExecutorReady(_spec.Incarnation, _self, _spec.Ordinals);
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
            // The node must hear of it before the clean-up, which may take as long as the drain bound.
            _node.Tell(new ExecutorLost(_spec.Incarnation, $"its executor failed: {exception.Message}", false), _self);
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

    private void Perform()
    {
        for (int i = 0; i < _decisions.Count; i++)
        {
            ExecutorDecision decision = _decisions[i];
            _spec.Gpus[decision.Ordinal].Tell(decision.Message, _self);
        }

        _decisions.Clear();
    }

    /// <summary>A lane may be done: sent by the lanes' wake, from any thread.</summary>
    private sealed class Wake : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public static Wake Instance { get; } = new();
    }
}
