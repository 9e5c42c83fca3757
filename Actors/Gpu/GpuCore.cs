using Troupe.Actors.Forwards;
using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Gpu;

/// <summary>The decisions of one GPU: which forwards it admits, with which settings, when they are launched, and what becomes of them when
/// its executor or device is lost.</summary>
/// <remarks>
/// Knows no Akka. Every forward it is handed is released exactly once, which gives the credit back. Modes are in <see cref="GpuModes"/>,
/// which shares the instances and the list of decisions.
/// <code>
/// Starting -> Ready &lt;-> Rebuilding      any -> Quarantined (for the rest of the process)      Ready -> Draining
/// </code>
/// </remarks>
internal sealed class GpuCore
{
    private readonly GpuSpec _spec;
    private readonly List<GpuDecision> _decisions;
    private readonly Dictionary<ModelVersion, GpuInstance> _instances = [];
    private readonly Dictionary<(RequestId Id, int Attempt), QueuedForward> _forwards = [];
    private readonly ForwardQueue _queue = new();
    private readonly GpuModes _modes;
    private readonly ExecutorWatch _watch;
    private string _reason = "";
    private DeviceMemory _memory;
    private InstanceSnapshot[] _counted = [];
    private int _launches;
    private bool _draining;

    public GpuCore(GpuSpec spec, List<GpuDecision> decisions)
    {
        _spec = spec;
        _decisions = decisions;
        _memory = new DeviceMemory(spec.MemoryBytes, spec.MemoryBytes);
        _modes = new GpuModes(spec.Id, _instances, decisions);
        _watch = new ExecutorWatch(spec.WatchdogBound);
    }

    public GpuHealth Health { get; private set; } = GpuHealth.Starting;

    public int Incarnation { get; private set; }

    public int Queued => _queue.Count;

    public int Launched => _launches;

    public GpuModes Modes => _modes;

    public GpuSnapshot Snapshot() =>
        new(
            _spec.Id,
            _spec.Name,
            _draining && Health == GpuHealth.Ready ? GpuHealth.Draining : Health,
            _reason,
            _queue.Count,
            _spec.QueueLimit,
            _launches,
            _memory.TotalBytes - _memory.FreeBytes,
            _memory.TotalBytes
        );

    /// <summary>Its snapshot, and what its instances have counted; one that has left since is not among them.</summary>
    public GpuState State() => new(Snapshot(), [.. _counted.Where(instance => _instances.ContainsKey(instance.Model))]);

    public void Admit(QueuedForward forward, TimeSpan now)
    {
        if (Health != GpuHealth.Ready)
        {
            Refuse(forward, FailureKind.DeviceLost, $"Device {_spec.Id} is not ready: {_reason}", RetryAdvice.Retry);
        }
        else if (!_instances.TryGetValue(forward.Model, out GpuInstance? instance) || !instance.Admits)
        {
            Refuse(forward, FailureKind.ModelNotLoaded, $"Model '{forward.Model}' is not loaded on device {_spec.Id}.", RetryAdvice.Bounce);
        }
        else if (_queue.Count >= _spec.QueueLimit + _spec.LaunchLimit - _launches)
        {
            Refuse(forward, FailureKind.QueueFull, $"The queue of device {_spec.Id} is full ({_spec.QueueLimit}).", RetryAdvice.Bounce);
        }
        else if (!_modes.TryCapture(instance, forward, out FailureKind kind, out string reason))
        {
            Refuse(forward, kind, reason, RetryAdvice.Final);
        }
        else
        {
            forward.QueuedAt = now;
            instance.Enter(forward);
            _forwards.Add((forward.Forward.Id, forward.Attempt), forward);
            _queue.Add(forward);
            Pump(now);
        }
    }

    public void Drop(DropForward drop, TimeSpan now)
    {
        if (!_forwards.TryGetValue((drop.Id, drop.Attempt), out QueuedForward? forward))
        {
            return;
        }

        forward.Abandoned = true;
        if (!forward.Launched)
        {
            _queue.Remove(forward);
            Leave(forward, null);
            Pump(now);
        }
    }

    public void Complete(LaunchEnded ended, TimeSpan now)
    {
        Launch launch = ended.Launch;
        if (launch.Incarnation != Incarnation || Health != GpuHealth.Ready)
        {
            return;
        }

        _launches--;
        foreach (QueuedForward forward in launch.Forwards)
        {
            Leave(forward, forward.Abandoned ? null : new ForwardOutcome(forward.Attempt, ReplyOf(forward), RetryAdvice.Final));
        }

        Pump(now);
    }

    public void Start(ExecutorReady ready)
    {
        if (Health == GpuHealth.Quarantined || ready.Incarnation <= Incarnation)
        {
            return;
        }

        Incarnation = ready.Incarnation;
        _watch.Begin();
        Become(GpuHealth.Ready, "");
    }

    /// <summary>The executor has ended: queued forwards go to siblings, launched ones too when they may run twice.</summary>
    public void Lose(ExecutorLost lost)
    {
        if (Health == GpuHealth.Quarantined || (lost.Incarnation < Incarnation && !lost.DeviceGone))
        {
            return;
        }

        Incarnation = Math.Max(Incarnation, lost.Incarnation);
        _watch.End();
        End(lost.DeviceGone ? GpuHealth.Quarantined : GpuHealth.Rebuilding, lost.Reason, resendLaunched: true);
    }

    public void Fault(DeviceFaulted faulted)
    {
        if (faulted.Incarnation == Incarnation)
        {
            Quarantine(faulted.Reason, resendLaunched: true);
        }
    }

    public void Adopt(InstanceAdopted adopted, TimeSpan now)
    {
        if (adopted.Incarnation != Incarnation || Health != GpuHealth.Ready)
        {
            return;
        }

        var instance = new GpuInstance(adopted.Module.Model, adopted.Traits, adopted.Module.SafeToResend)
        {
            Announcement = new InstanceReady(_spec.Id, adopted.Ticket, adopted.Module),
        };
        _instances[instance.Model] = instance;
        _modes.Adopt(instance, Incarnation);
        Announce(instance);
        Pump(now);
    }

    public void Unload(UnloadInstance unload)
    {
        if (!_instances.TryGetValue(unload.Model, out GpuInstance? instance))
        {
            _decisions.Add(GpuDecision.Models(new InstanceGone(_spec.Id, unload.Model)));
            return;
        }

        instance.Unloading = true;
        Report();
        Retire(instance);
    }

    public void Retired(InstanceRetired retired)
    {
        if (retired.Incarnation == Incarnation && _instances.Remove(retired.Model))
        {
            _modes.Forget(Incarnation);
            _decisions.Add(GpuDecision.Models(new InstanceGone(_spec.Id, retired.Model)));
        }
    }

    public void Applied(SettingsApplied applied, TimeSpan now)
    {
        if (applied.Incarnation == Incarnation && _instances.TryGetValue(applied.Model, out GpuInstance? instance))
        {
            _modes.Applied(instance, applied, Incarnation);
            Settle(instance, now);
        }
    }

    public void Released(ResourcesReleased released, TimeSpan now)
    {
        if (released.Incarnation == Incarnation && _instances.TryGetValue(released.Model, out GpuInstance? instance))
        {
            _modes.Released(instance, released, Incarnation);
            Settle(instance, now);
        }
    }

    /// <summary>Asks the executor for a sign of life, or draws the conclusion that it hangs.</summary>
    public void Watch(TimeSpan now)
    {
        if (Health is GpuHealth.Ready && _watch.Next(now) is { } sequence)
        {
            _decisions.Add(GpuDecision.Executor(new Heartbeat(Incarnation, _spec.Id.Ordinal, sequence)));
        }

        if (Health is GpuHealth.Ready && _watch.Hangs(now))
        {
            Quarantine(
                $"its executor has not answered for {_spec.WatchdogBound.TotalSeconds:0.#} s and hangs in a native call",
                resendLaunched: false
            );
        }
    }

    public void Beat(HeartbeatAnswer answer)
    {
        if (answer.Incarnation == Incarnation)
        {
            _memory = answer.Memory;
            _counted = answer.Instances;
            _watch.Hear(answer.Sequence);
        }
    }

    public void Drain() => _draining = true;

    /// <summary>The GPU's actor ends: what is here goes back to its origins.</summary>
    public void Stop()
    {
        if (Health != GpuHealth.Quarantined)
        {
            End(GpuHealth.Quarantined, "its node stopped it", resendLaunched: true);
        }
    }

    public void Report() =>
        _decisions.Add(
            GpuDecision.Router(
                new GpuReport(
                    _spec.Id,
                    Health,
                    _reason,
                    _spec.QueueLimit + _spec.LaunchLimit,
                    Health == GpuHealth.Ready
                        ?
                        [
                            .. _instances
                                .Values.Where(instance => instance.Admits)
                                .Select(instance => new ResidentModel(instance.Model, instance.SafeToResend)),
                        ]
                        : []
                )
            )
        );

    private void Quarantine(string reason, bool resendLaunched)
    {
        if (Health != GpuHealth.Quarantined)
        {
            End(GpuHealth.Quarantined, reason, resendLaunched);
        }
    }

    /// <summary>Everything here leaves. The router hears of the state first, so that it does not choose this GPU again.</summary>
    private void End(GpuHealth health, string reason, bool resendLaunched)
    {
        List<GpuInstance> gone = [.. _instances.Values];
        _instances.Clear();
        Become(health, reason);
        if (health == GpuHealth.Quarantined)
        {
            _decisions.Add(GpuDecision.Node(new GpuQuarantined(_spec.Id, Incarnation, reason)));
        }

        _launches = 0;
        foreach (QueuedForward forward in _forwards.Values.ToList())
        {
            bool again =
                !forward.Launched || (resendLaunched && gone.Find(instance => instance.Model == forward.Model)?.SafeToResend == true);
            if (!forward.Launched)
            {
                _queue.Remove(forward);
            }

            var failed = new ForwardReply.Failed(forward.Forward.Id, FailureKind.DeviceLost, $"Device {_spec.Id} was lost: {reason}.");
            Remove(
                forward,
                forward.Abandoned ? null : new ForwardOutcome(forward.Attempt, failed, again ? RetryAdvice.Retry : RetryAdvice.Final)
            );
        }

        _modes.LoseInstances(Incarnation);
        foreach (GpuInstance instance in gone.Where(instance => instance.Unloading))
        {
            _decisions.Add(GpuDecision.Models(new InstanceGone(_spec.Id, instance.Model)));
        }
    }

    private void Become(GpuHealth health, string reason)
    {
        Health = health;
        _reason = reason;
        Report();
        _decisions.Add(GpuDecision.Node(State()));
    }

    /// <summary>Hands queued forwards to the executor while it has credits; forwards behind a barrier let others pass.</summary>
    private void Pump(TimeSpan now)
    {
        for (QueuedForward? forward = _queue.First; forward is not null && _launches < _spec.LaunchLimit; )
        {
            QueuedForward? next = forward.Next;
            if (!_instances[forward.Model].Holds(forward))
            {
                _queue.Remove(forward);
                forward.Launched = true;
                forward.LaunchedAt = now;
                _launches++;
                _decisions.Add(GpuDecision.Executor(new Launch(Incarnation, _spec.Id.Ordinal, forward.Model, forward.Settings, [forward])));
            }

            forward = next;
        }
    }

    private void Leave(QueuedForward forward, ForwardOutcome? outcome)
    {
        Remove(forward, outcome);
        GpuInstance instance = _instances[forward.Model];
        if (instance.Exit(forward))
        {
            _modes.Pass(instance, Incarnation);
        }

        Retire(instance);
    }

    private void Remove(QueuedForward forward, ForwardOutcome? outcome)
    {
        _forwards.Remove((forward.Forward.Id, forward.Attempt));
        _decisions.Add(GpuDecision.Release(forward, outcome));
    }

    private void Refuse(QueuedForward forward, FailureKind kind, string detail, RetryAdvice advice) =>
        _decisions.Add(
            GpuDecision.Release(
                forward,
                new ForwardOutcome(forward.Attempt, new ForwardReply.Failed(forward.Forward.Id, kind, detail), advice)
            )
        );

    private void Settle(GpuInstance instance, TimeSpan now)
    {
        Announce(instance);
        Retire(instance);
        Pump(now);
    }

    /// <summary>Admits a new instance once its own settings stand. The router hears of it before the directory, and so before whoever asked
    /// for the load.</summary>
    private void Announce(GpuInstance instance)
    {
        if (instance.Announcement is { } announcement && !instance.Changing)
        {
            instance.Announcement = null;
            Report();
            _decisions.Add(GpuDecision.Models(announcement));
        }
    }

    private void Retire(GpuInstance instance)
    {
        if (instance.CanRetire)
        {
            instance.Retiring = true;
            _decisions.Add(GpuDecision.Executor(new RetireInstance(Incarnation, _spec.Id.Ordinal, instance.Model)));
        }
    }

    private ForwardReply ReplyOf(QueuedForward forward)
    {
        if (forward.Failure is { } failure)
        {
            return new ForwardReply.Failed(forward.Forward.Id, failure.Kind, failure.Message);
        }

        (long input, long infer, long output) = forward.Times;
        var times = new StageTimes((forward.LaunchedAt - forward.QueuedAt).Ticks * TimeSpan.NanosecondsPerTick, input, infer, output);
        return new ForwardReply.Succeeded(
            forward.Forward.Id,
            forward.Outputs!,
            new ForwardReport(forward.Model, _spec.Id, forward.ModeEpoch, forward.Attempt, times)
        );
    }
}
