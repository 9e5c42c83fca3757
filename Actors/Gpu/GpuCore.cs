using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Gpu;

/// <summary>The decisions of one GPU: whether it is in service, and what becomes of all that is here when its executor or device is
/// lost.</summary>
/// <remarks>
/// Knows no Akka. Its parts share its thread and its decisions: <see cref="GpuForwards"/> admits and launches,
/// <see cref="GpuInstances"/> keeps what is loaded, <see cref="GpuModes"/> changes what forwards and instances run with. Every forward it
/// is handed is released exactly once, which gives the credit back.
/// </remarks>
internal sealed class GpuCore
{
    private readonly GpuSpec _spec;
    private readonly DecisionQueue<GpuDecision, IGpuShell> _decisions;
    private readonly GpuLife _life = new();
    private readonly GpuInstances _instances;
    private readonly GpuForwards _forwards;
    private readonly ExecutorWatch _watch;
    private DeviceMemory _memory;
    private InstanceSnapshot[] _counted = [];
    private bool _draining;

    public GpuCore(GpuSpec spec, DecisionQueue<GpuDecision, IGpuShell> decisions)
    {
        _spec = spec;
        _decisions = decisions;
        _memory = new DeviceMemory(spec.MemoryBytes, spec.MemoryBytes);
        _instances = new GpuInstances(spec, _life, decisions);
        _forwards = new GpuForwards(spec, _life, _instances, decisions);
        _watch = new ExecutorWatch(spec.WatchdogBound, spec.TickInterval);
    }

    public GpuHealth Health => _life.Health;

    public int Incarnation => _life.Incarnation;

    public int Queued => _forwards.Queued;

    public int Launched => _forwards.Launches;

    public GpuModes Modes => _instances.Modes;

    public GpuSnapshot Snapshot() =>
        new(
            _spec.Id,
            _spec.Name,
            _draining && _life.IsReady ? GpuHealth.Draining : _life.Health,
            _life.Reason,
            Queued,
            _spec.QueueLimit,
            Launched,
            _memory.TotalBytes - _memory.FreeBytes,
            _memory.TotalBytes
        );

    /// <summary>Its snapshot, and what its instances have counted; one that has left since is not among them.</summary>
    public GpuStatus Status() => new(Snapshot(), [.. _counted.Where(instance => _instances.Contains(instance.Model))], _memory.Counts);

    public void Admit(DispatchForward dispatch, TimeSpan now) => _forwards.Admit(dispatch, now);

    public void Drop(DropForward drop, TimeSpan now) => _forwards.Drop(drop.Id, drop.Attempt, now);

    public void Complete(LaunchEnded ended, TimeSpan now)
    {
        if (_life.IsPresent(ended.Launch.Incarnation))
        {
            _forwards.Complete(ended.Launch, ended.Results, now);
        }
        else
        {
            ended.Release();
        }
    }

    public void Start(ExecutorReady ready)
    {
        if (_life.TryStart(ready.Incarnation))
        {
            _watch.Begin(ready.Pulse);
            Report();
            _decisions.Add(GpuDecision.Node(Status()));
        }
    }

    /// <summary>The executor has ended: queued forwards go to siblings, launched ones too when they may run twice. One that hangs, as
    /// another GPU of its group has found, may still run what it holds.</summary>
    public void EndExecutor(ExecutorLost lost)
    {
        if (_life.IsGone || (lost.Incarnation < Incarnation && !lost.DeviceGone))
        {
            return;
        }

        _life.EndExecutor(lost.Incarnation);
        _watch.End();
        if (lost.DeviceGone)
        {
            Leave(lost.Reason, lost.Evidence);
        }
        else if (!_life.IsHanging)
        {
            Become(lost.Hangs ? GpuHealth.Quarantined : GpuHealth.Rebuilding, lost.Reason);
            EndAll(null, lost.Evidence, isOver: !lost.Hangs);
        }
    }

    public void Fault(DeviceFaulted faulted)
    {
        if (faulted.Incarnation == Incarnation)
        {
            Leave(faulted.Reason, faulted.Evidence);
        }
    }

    public void Adopt(InstanceAdopted adopted, TimeSpan now)
    {
        if (_life.IsPresent(adopted.Incarnation))
        {
            _instances.Adopt(adopted);
            _forwards.Pump(now);
        }
    }

    public void Unload(UnloadInstance unload) => _instances.Unload(unload);

    public void Retired(InstanceRetired retired)
    {
        if (retired.Incarnation == Incarnation)
        {
            _instances.Retired(retired.Model);
        }
    }

    public void Applied(SettingsApplied applied, TimeSpan now)
    {
        if (applied.Incarnation == Incarnation)
        {
            _instances.Applied(applied);
            _forwards.Pump(now);
        }
    }

    public void Released(ResourcesReleased released, TimeSpan now)
    {
        if (released.Incarnation == Incarnation)
        {
            _instances.Released(released);
            _forwards.Pump(now);
        }
    }

    /// <summary>Asks the executor for a sign of life, or draws the conclusion that it hangs, and says how this GPU is.</summary>
    public void Tick(TimeSpan now)
    {
        if (_life.IsReady && _watch.Next(now) is { } sequence)
        {
            _decisions.Add(GpuDecision.Executor(new Heartbeat(Incarnation, _spec.Id.Ordinal, sequence)));
        }

        if (_life.IsReady && _watch.Hangs(now))
        {
            string reason = _watch.Describe(now);
            _watch.End();
            Become(GpuHealth.Quarantined, reason);
            EndAll(new ExecutorHangs(_spec.Id, Incarnation, reason), default, isOver: false);
        }

        _decisions.Add(GpuDecision.Node(Status()));
    }

    public void Beat(HeartbeatAnswer answer)
    {
        if (answer.Incarnation == Incarnation)
        {
            _memory = answer.Memory;
            _counted = answer.Instances;
            _watch.Clear(answer.Sequence);
        }
    }

    public void Drain() => _draining = true;

    /// <summary>The GPU's actor ends: what is here goes back to its origins.</summary>
    public void Stop() => Leave("its node stopped it", default, FailureKind.Draining);

    public void Report() => _instances.Report();

    /// <summary>A decision could not be applied. Forwards of a launch fail, a change counts as refused, and what is only told is told once
    /// more.</summary>
    public void Failed(in GpuDecision decision, Exception cause, TimeSpan now)
    {
        switch (decision.Message)
        {
            case Launch launch when _life.IsPresent(launch.Incarnation):
                _forwards.FailLaunch(launch, cause.Message, now);
                break;
            case Heartbeat heartbeat:
                _watch.Clear(heartbeat.Sequence);
                break;
            case ApplySettings apply:
                Applied(new SettingsApplied(apply.Incarnation, apply.Model, apply.Settings, Refusal(apply.Model)), now);
                break;
            case ReleaseResources release when release.Incarnation == Incarnation:
                _instances.NotReleased(Refusal(release.Model));
                _forwards.Pump(now);
                break;
            case ForwardOutcome { Reply: ForwardReply.Succeeded succeeded } outcome:
                var failed = new ForwardReply.Failed(
                    succeeded.Id,
                    FailureKind.Internal,
                    $"The outputs could not be sent to the node that asked: {cause.Message}"
                );
                _decisions.Add(GpuDecision.Answer(decision.Origin!, new ForwardOutcome(outcome.Attempt, failed, RetryAdvice.Final)));
                break;
            case GpuReport:
                // Not the one that failed: a later one may stand behind it already.
                _decisions.TryRepeat(GpuDecision.Router(_instances.ReportNow()));
                break;
            case GpuStatus:
                _decisions.TryRepeat(GpuDecision.Node(Status()));
                break;
            default:
                _decisions.TryRepeat(decision);
                break;
        }

        InstanceRefusal Refusal(ModelVersion model) => new(model, FailureKind.Internal, $"Its executor could not be told: {cause.Message}");
    }

    private void Become(GpuHealth health, string reason) =>
        _life.Become(health, health == GpuHealth.Quarantined ? $"{reason}. It comes back when it answers" : reason);

    private void Leave(string reason, CrashEvidence evidence, FailureKind kind = FailureKind.DeviceLost)
    {
        if (!_life.IsGone)
        {
            _watch.End();
            _life.Leave(reason);
            EndAll(new GpuQuarantined(_spec.Id, Incarnation, reason), evidence, isOver: true, kind);
        }
    }

    /// <summary>Everything here leaves. The router hears of the state first, so that it does not choose this GPU again.</summary>
    private void EndAll(IGpuNews? news, CrashEvidence evidence, bool isOver, FailureKind kind = FailureKind.DeviceLost)
    {
        IReadOnlyList<GpuInstance> gone = _instances.RemoveAll();
        Report();
        _decisions.Add(GpuDecision.Node(Status()));
        if (news is not null)
        {
            _decisions.Add(GpuDecision.Node(news));
        }

        _forwards.EndAll(gone, _life.Reason, evidence, kind, isOver);

        foreach (GpuInstance instance in gone)
        {
            // No change waits for it; one that comes takes the settings that hold then.
            Modes.Forget(instance);
        }

        foreach (GpuInstance instance in gone.Where(instance => instance.Unloading))
        {
            _decisions.Add(GpuDecision.Models(new InstanceGone(_spec.Id, instance.Model)));
        }
    }
}
