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
/// <remarks>Knows no Akka. Each instance takes the changes in their order and at its own pace: one that waits for its forwards holds up no
/// other. A change is acknowledged when every instance in its scope has taken it.</remarks>
internal sealed class GpuModes(
    GpuId gpu,
    GpuLife life,
    Dictionary<ModelVersion, GpuInstance> instances,
    DecisionQueue<GpuDecision, IGpuShell> decisions
)
{
    private IEffectiveModes _modes = DefaultModes.Instance;

    /// <summary>What holds by the last change; an instance may still be on its way to it.</summary>
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
        CapturedModes captured = instance.Modes.For(gpu, instance.Model, instance.Traits, forward.Session, forward.Modes);
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
        _modes = commit.Modes;
        var change = new GpuModesChange(commit, asker);
        change.Awaited.UnionWith(instances.Values.Where(instance => commit.Scope is not { } scope || IsIn(instance, scope)));
        foreach (GpuInstance instance in instances.Values)
        {
            instance.Changes.Enqueue(change);
        }

        if (change.Awaited.Count == 0)
        {
            Acknowledge(change);
        }

        foreach (GpuInstance instance in instances.Values)
        {
            Advance(instance);
        }
    }

    /// <summary>A new instance takes the settings that hold, and hears what modes hold of it; until it has both it is not
    /// admitted.</summary>
    public void Adopt(GpuInstance instance)
    {
        instance.Modes = _modes;
        BeginChange(instance);
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
        if (applied.Failure is { } failure)
        {
            if (instance.Announcement is not null)
            {
                // Nobody is there to refuse to: what holds for the scope does not suit the instance that came later.
                instance.Conflict = failure.Reason;
            }
            else
            {
                instance.Change?.Refuse(instance, failure);
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

        Advance(instance);
    }

    /// <param name="failure">Why nothing was released; null when it was.</param>
    public void Released(GpuInstance instance, HeldModes? held, InstanceRefusal? failure)
    {
        instance.Held = held;
        instance.ToHold = null;
        if (failure is not null)
        {
            instance.Change?.Refuse(instance, failure);
        }

        Advance(instance);
    }

    /// <summary>An instance has gone: no change waits for it.</summary>
    public void Forget(GpuInstance gone)
    {
        Pass(gone);
        while (gone.Changes.TryDequeue(out GpuModesChange? next))
        {
            gone.Change = next;
            Pass(gone);
        }
    }

    /// <summary>Brings an instance to the next change, and past those that change nothing about it.</summary>
    private void Advance(GpuInstance instance)
    {
        while (!instance.Changing)
        {
            Pass(instance);
            if (!instance.Changes.TryDequeue(out GpuModesChange? next))
            {
                return;
            }

            instance.Change = next;
            instance.Modes = next.Commit.Modes;
            BeginChange(instance);
        }
    }

    private void Pass(GpuInstance instance)
    {
        if (instance.Change is { } passed)
        {
            instance.Change = null;
            if (passed.Awaited.Remove(instance) && passed.Awaited.Count == 0)
            {
                Acknowledge(passed);
            }
        }
    }

    private bool IsIn(GpuInstance instance, ModeScope scope) => ModeTarget.Of(gpu, instance.Model, scope.Session).IsIn(scope);

    private void BeginChange(GpuInstance instance)
    {
        ModeSettings settings = instance.Modes.Instance(gpu, instance.Model, instance.Traits);
        HeldModes held = instance.Modes.Held(gpu, instance.Model, instance.Traits);
        bool apply = PerInstance.Differs(settings, instance.Applied);
        bool release = held != instance.Held;
        if (!apply)
        {
            // It has what holds, whatever could not be applied before.
            instance.Conflict = instance.Unapplied = null;
        }

        if (!apply && !release)
        {
            return;
        }

        instance.ToApply = apply ? settings : null;
        instance.ToHold = release ? held : null;
        instance.Blocked = apply;
        if (instance.RaiseBarrier())
        {
            PassBarrier(instance);
        }
    }

    private void Acknowledge(GpuModesChange change) =>
        decisions.Add(GpuDecision.Modes(change.Asker, new GpuModesApplied(change.Commit.Change, gpu, [.. change.Refusals])));
}
