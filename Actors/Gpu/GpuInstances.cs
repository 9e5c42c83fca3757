using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Gpu;

/// <summary>The instances of one GPU: admitted once their own settings stand, retired once their forwards are done.</summary>
/// <remarks>Knows no Akka; part of <see cref="GpuCore"/> and of its thread. <b>Owns</b> the instances' notes.</remarks>
internal sealed class GpuInstances
{
    private readonly GpuSpec _spec;
    private readonly GpuLife _life;
    private readonly DecisionQueue<GpuDecision, IGpuShell> _decisions;
    private readonly Dictionary<ModelVersion, GpuInstance> _instances = [];

    public GpuInstances(GpuSpec spec, GpuLife life, DecisionQueue<GpuDecision, IGpuShell> decisions)
    {
        _spec = spec;
        _life = life;
        _decisions = decisions;
        Modes = new GpuModes(spec.Id, life, _instances, decisions);
    }

    public GpuModes Modes { get; }

    public GpuInstance this[ModelVersion model] => _instances[model];

    public bool Contains(ModelVersion model) => _instances.ContainsKey(model);

    /// <summary>The instance that takes forwards of this version; null when there is none.</summary>
    public GpuInstance? Admitting(ModelVersion model) =>
        _instances.TryGetValue(model, out GpuInstance? instance) && instance.Admits ? instance : null;

    /// <summary>The instance of other content that has taken the place of this one; null when there is none.</summary>
    public GpuInstance? Successor(ModelVersion model) =>
        _instances.Values.FirstOrDefault(instance =>
            instance.Admits && instance.Model.Name == model.Name && instance.Model.Number == model.Number
        );

    public void Adopt(InstanceAdopted adopted)
    {
        var instance = new GpuInstance(adopted.Module.Model, adopted.Traits, adopted.Module.SafeToResend)
        {
            Announcement = new InstanceReady(_spec.Id, adopted.Ticket, adopted.Module),
        };
        _instances[instance.Model] = instance;
        Modes.Adopt(instance);
        Announce(instance);
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

    public void Retired(ModelVersion model)
    {
        if (_instances.Remove(model, out GpuInstance? gone))
        {
            Modes.Forget(gone);
            _decisions.Add(GpuDecision.Models(new InstanceGone(_spec.Id, model)));
        }
    }

    public void Applied(SettingsApplied applied)
    {
        if (_instances.TryGetValue(applied.Model, out GpuInstance? instance))
        {
            Modes.Applied(instance, applied);
            Announce(instance);
            Retire(instance);
        }
    }

    public void Released(ResourcesReleased released)
    {
        if (_instances.TryGetValue(released.Model, out GpuInstance? instance))
        {
            Modes.Released(instance, released.Held, null);
            Announce(instance);
            Retire(instance);
        }
    }

    /// <summary>The executor could not be asked: the instance keeps what it holds, and the change is refused.</summary>
    public void NotReleased(InstanceRefusal refusal)
    {
        if (_instances.TryGetValue(refusal.Model, out GpuInstance? instance))
        {
            Modes.Released(instance, instance.Held, refusal);
            Announce(instance);
            Retire(instance);
        }
    }

    /// <summary>A forward of this instance has left; it may have been the last before a barrier, or the last of all.</summary>
    public void Leave(GpuForward forward)
    {
        GpuInstance instance = _instances[forward.Admitted.Model];
        if (instance.Exit(forward))
        {
            Modes.PassBarrier(instance);
        }

        Retire(instance);
    }

    /// <summary>All are gone with the executor.</summary>
    public IReadOnlyList<GpuInstance> RemoveAll()
    {
        List<GpuInstance> gone = [.. _instances.Values];
        _instances.Clear();
        return gone;
    }

    public void Report() => _decisions.Add(GpuDecision.Router(ReportNow()));

    /// <summary>Whether this GPU takes forwards now, of which models, and how many.</summary>
    public GpuReport ReportNow() =>
        new(
            _spec.Id,
            _life.Health,
            _life.Reason,
            _spec.QueueLimit + _spec.LaunchLimit,
            _life.IsReady
                ?
                [
                    .. _instances
                        .Values.Where(instance => instance.Admits)
                        .Select(instance => new ResidentModel(instance.Model, instance.SafeToResend)),
                ]
                : []
        );

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
            _decisions.Add(GpuDecision.Executor(new RetireInstance(_life.Incarnation, _spec.Id.Ordinal, instance.Model)));
        }
    }
}
