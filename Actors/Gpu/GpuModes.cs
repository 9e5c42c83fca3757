using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>The modes part of a GPU's decisions: settings are captured at the queue, and a change of instances waits until the forwards
/// admitted before it are done.</summary>
/// <remarks>Knows no Akka. One commit is under way at a time, later ones wait their turn, so that acknowledgements come in the order of the
/// changes.</remarks>
internal sealed class GpuModes(GpuId gpu, Dictionary<ModelVersion, GpuInstance> instances, List<GpuDecision> decisions)
{
    private readonly Queue<(CommitModes Commit, object ReplyTo)> _waiting = new();
    private readonly List<InstanceRefusal> _refusals = [];
    private (CommitModes Commit, object ReplyTo)? _commit;
    private IEffectiveModes _modes = DefaultModes.Instance;

    /// <summary>What forwards are captured under now.</summary>
    public IEffectiveModes Present => _modes;

    /// <summary>Gives a forward the settings it will run with. False when they keep it from running, for the reason given.</summary>
    public bool TryCapture(GpuInstance instance, QueuedForward forward, out FailureKind kind, out string reason)
    {
        CapturedModes captured = _modes.For(gpu, instance.Model, instance.Traits, forward.Forward.Session, forward.Forward.Modes);
        forward.Settings = captured.Settings;
        forward.ModeEpoch = captured.Epoch;
        kind = captured.Conflict is null ? FailureKind.ModeConflict : captured.Kind;
        reason = captured.Conflict ?? instance.Conflict ?? "";
        return reason.Length == 0;
    }

    /// <summary>Answers what every instance here has against the modes; nothing changes.</summary>
    public void Prepare(PrepareModes prepare, object replyTo)
    {
        List<InstanceRefusal> refusals =
        [
            .. instances.Values.SelectMany(instance =>
                prepare
                    .Modes.Objections(gpu, instance.Model, instance.Traits, prepare.Session)
                    .Select(objection => new InstanceRefusal(instance.Model, objection.Kind, objection.Reason))
            ),
        ];
        if (prepare.Explains)
        {
            refusals.AddRange(
                instances
                    .Values.Where(instance => instance.Trouble is not null)
                    .Select(instance => new InstanceRefusal(instance.Model, FailureKind.ModeConflict, instance.Trouble!))
            );
        }

        decisions.Add(GpuDecision.Modes(replyTo, new ModesPrepared(prepare.Change, gpu, refusals)));
    }

    public void Commit(CommitModes commit, object replyTo, int incarnation)
    {
        _waiting.Enqueue((commit, replyTo));
        Advance(incarnation);
    }

    /// <summary>A new instance takes the settings that hold; until it has them it is not admitted.</summary>
    public void Adopt(GpuInstance instance, int incarnation)
    {
        instance.Held = _modes.Held(gpu, instance.Model, instance.Traits);
        ModeSettings settings = _modes.Instance(gpu, instance.Model, instance.Traits);
        if (!InstanceFields.Same(settings, instance.Applied))
        {
            instance.ToApply = settings;
            Pass(instance, incarnation);
        }
    }

    /// <summary>The forwards before the barrier are done.</summary>
    public void Pass(GpuInstance instance, int incarnation)
    {
        if (instance.ToApply is { } settings)
        {
            decisions.Add(GpuDecision.Executor(new ApplySettings(incarnation, gpu.Ordinal, instance.Model, settings)));
        }
        else if (instance.ToHold is { } held)
        {
            decisions.Add(GpuDecision.Executor(new ReleaseResources(incarnation, gpu.Ordinal, instance.Model, held)));
        }
    }

    public void Applied(GpuInstance instance, SettingsApplied applied, int incarnation)
    {
        if (instance.ToApply != applied.Settings)
        {
            // A commit came between; the answer to its settings is still to come.
            instance.Applied = applied.Failure is null ? applied.Settings : instance.Applied;
            return;
        }

        if (applied.Failure is { } failure)
        {
            if (instance.Announcement is not null)
            {
                // Nobody is there to refuse to: what holds for the scope does not suit the instance that came later.
                instance.Conflict = failure.Reason;
            }
            else
            {
                _refusals.Add(failure);
                instance.Unapplied = $"It keeps its former settings: {failure.Reason}";
            }
        }
        else
        {
            instance.Applied = applied.Settings;
            instance.Conflict = null;
            instance.Unapplied = null;
        }

        instance.ToApply = null;
        instance.Blocked = false;
        if (instance.ToHold is not null)
        {
            Pass(instance, incarnation);
        }

        Finish(incarnation);
    }

    public void Released(GpuInstance instance, ResourcesReleased released, int incarnation)
    {
        instance.Held = released.Held;
        instance.ToHold = null;
        Finish(incarnation);
    }

    /// <summary>The executor is gone with every instance: nothing is left to wait for, and those that come take the settings that hold
    /// then.</summary>
    public void LoseInstances(int incarnation) => Finish(incarnation);

    /// <summary>An instance has left; a commit may have waited for it.</summary>
    public void Forget(int incarnation) => Finish(incarnation);

    private void Advance(int incarnation)
    {
        while (_commit is null && _waiting.TryDequeue(out (CommitModes Commit, object ReplyTo) next))
        {
            _commit = next;
            _modes = next.Commit.Modes;
            _refusals.Clear();
            foreach (GpuInstance instance in instances.Values)
            {
                Change(instance, incarnation);
            }

            if (!instances.Values.Any(instance => instance.Changing))
            {
                Acknowledge();
            }
        }
    }

    private void Change(GpuInstance instance, int incarnation)
    {
        ModeSettings settings = _modes.Instance(gpu, instance.Model, instance.Traits);
        HeldModes held = _modes.Held(gpu, instance.Model, instance.Traits);

        // An instance that has just come may still be on its way to the settings that held then.
        bool isUnderWay = instance.ToApply is not null;
        bool apply = !InstanceFields.Same(settings, instance.ToApply ?? instance.Applied);
        bool release = held != instance.Held;
        if (!apply && !isUnderWay)
        {
            // It has what holds, whatever could not be applied before.
            instance.Conflict = instance.Unapplied = null;
        }

        if (!apply && !release)
        {
            return;
        }

        instance.ToApply = apply ? settings : instance.ToApply;
        instance.ToHold = release ? held : null;
        instance.Blocked = apply || isUnderWay;
        if (instance.RaiseBarrier() && (apply || !isUnderWay))
        {
            Pass(instance, incarnation);
        }
    }

    private void Finish(int incarnation)
    {
        if (_commit is not null && !instances.Values.Any(instance => instance.Changing))
        {
            Acknowledge();
            Advance(incarnation);
        }
    }

    private void Acknowledge()
    {
        (CommitModes commit, object replyTo) = _commit!.Value;
        _commit = null;
        decisions.Add(GpuDecision.Modes(replyTo, new ModesCommitted(commit.Change, gpu, [.. _refusals])));
    }
}
