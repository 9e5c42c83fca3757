using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>The modes part of a GPU's decisions: settings are captured at the queue, and a change of instances waits until the forwards
/// admitted before it are done.</summary>
/// <remarks>Knows no Akka. One commit is under way at a time, later ones wait their turn, so that acknowledgements come in the order of the
/// changes.</remarks>
internal sealed class GpuModes(
    GpuId gpu,
    GpuLife life,
    Dictionary<ModelVersion, GpuInstance> instances,
    DecisionQueue<GpuDecision, IGpuShell> decisions
)
{
    private readonly Queue<(ApplyGpuModes Commit, IReplyTo<IGpuModesAnswer> Asker)> _waiting = new();
    private readonly List<InstanceRefusal> _refusals = [];
    private (ApplyGpuModes Commit, IReplyTo<IGpuModesAnswer> Asker)? _commit;
    private IEffectiveModes _modes = DefaultModes.Instance;

    /// <summary>What forwards are captured under now.</summary>
    public IEffectiveModes Present => _modes;

    /// <summary>Gives a forward the settings it will run with. False when they keep it from running, for the reason given.</summary>
    public bool TryAdmit(
        GpuInstance instance,
        DispatchForward dispatch,
        out AdmittedForward admitted,
        out FailureKind kind,
        out string reason
    )
    {
        Forward forward = dispatch.Forward;
        CapturedModes captured = _modes.For(gpu, instance.Model, instance.Traits, forward.Session, forward.Modes);
        admitted = new AdmittedForward(dispatch, captured.Settings, captured.Epoch);
        kind = captured.Conflict is null ? FailureKind.ModeConflict : captured.Kind;
        reason = captured.Conflict ?? instance.Conflict ?? "";
        return reason.Length == 0;
    }

    /// <summary>Answers what every instance here has against the modes; nothing changes.</summary>
    public void Check(CheckGpuModes check, IReplyTo<IGpuModesAnswer> asker)
    {
        List<InstanceRefusal> refusals =
        [
            .. instances.Values.SelectMany(instance =>
                check
                    .Modes.Objections(gpu, instance.Model, instance.Traits, check.Session)
                    .Select(objection => new InstanceRefusal(instance.Model, objection.Kind, objection.Reason))
            ),
        ];
        if (check.Explains)
        {
            refusals.AddRange(
                instances
                    .Values.Where(instance => instance.Trouble is not null)
                    .Select(instance => new InstanceRefusal(instance.Model, FailureKind.ModeConflict, instance.Trouble!))
            );
        }

        decisions.Add(GpuDecision.Modes(asker, new GpuModesChecked(check.Change, gpu, refusals)));
    }

    public void Apply(ApplyGpuModes commit, IReplyTo<IGpuModesAnswer> asker)
    {
        _waiting.Enqueue((commit, asker));
        Advance();
    }

    /// <summary>A new instance takes the settings that hold; until it has them it is not admitted.</summary>
    public void Adopt(GpuInstance instance)
    {
        instance.Held = _modes.Held(gpu, instance.Model, instance.Traits);
        ModeSettings settings = _modes.Instance(gpu, instance.Model, instance.Traits);
        if (PerInstance.Differs(settings, instance.Applied))
        {
            instance.ToApply = settings;
            PassBarrier(instance);
        }
    }

    /// <summary>The forwards before the barrier are done.</summary>
    public void PassBarrier(GpuInstance instance)
    {
        if (instance.ToApply is { } settings)
        {
            decisions.Add(GpuDecision.Executor(new ApplySettings(life.Incarnation, gpu.Ordinal, instance.Model, settings)));
        }
        else if (instance.ToHold is { } held)
        {
            decisions.Add(GpuDecision.Executor(new ReleaseResources(life.Incarnation, gpu.Ordinal, instance.Model, held)));
        }
    }

    public void Applied(GpuInstance instance, SettingsApplied applied)
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
            PassBarrier(instance);
        }

        Finish();
    }

    /// <param name="failure">Why nothing was released; null when it was.</param>
    public void Released(GpuInstance instance, HeldModes held, InstanceRefusal? failure)
    {
        instance.Held = held;
        instance.ToHold = null;
        if (failure is not null)
        {
            _refusals.Add(failure);
        }

        Finish();
    }

    /// <summary>Acknowledges the present commit when no instance is left that it waits for: each has changed, or has gone.</summary>
    public void Finish()
    {
        if (_commit is not null && !instances.Values.Any(instance => instance.Changing))
        {
            Acknowledge();
            Advance();
        }
    }

    private void Advance()
    {
        while (_commit is null && _waiting.TryDequeue(out (ApplyGpuModes Commit, IReplyTo<IGpuModesAnswer> Asker) next))
        {
            _commit = next;
            _modes = next.Commit.Modes;
            _refusals.Clear();
            foreach (GpuInstance instance in instances.Values)
            {
                BeginChange(instance);
            }

            if (!instances.Values.Any(instance => instance.Changing))
            {
                Acknowledge();
            }
        }
    }

    private void BeginChange(GpuInstance instance)
    {
        ModeSettings settings = _modes.Instance(gpu, instance.Model, instance.Traits);
        HeldModes held = _modes.Held(gpu, instance.Model, instance.Traits);

        // An instance that has just come may still be on its way to the settings that held then.
        bool isUnderWay = instance.ToApply is not null;
        bool apply = PerInstance.Differs(settings, instance.ToApply ?? instance.Applied);
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
            PassBarrier(instance);
        }
    }

    private void Acknowledge()
    {
        (ApplyGpuModes commit, IReplyTo<IGpuModesAnswer> asker) = _commit!.Value;
        _commit = null;
        decisions.Add(GpuDecision.Modes(asker, new GpuModesApplied(commit.Change, gpu, [.. _refusals])));
    }
}
