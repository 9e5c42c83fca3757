using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Scopes;

/// <summary>The modes of one runtime object in one process: its baselines, and the scopes entered on its modules.</summary>
/// <remarks>
/// Same table and same fold as in a cluster, without leases: a scope ends when it is disposed. What a scope on one module sets holds for
/// that module alone. Long, because entering, replacing and exiting apply, roll back, publish and free in one order, under one lock.
/// <b>Owns</b> no resource; modules do. <b>Thread</b> any. <b>Blocks</b> in changes, while modules finish work in flight; never in
/// <see cref="Admit"/>.
/// </remarks>
public sealed partial class RuntimeModes(ILogger? log = null)
{
    private readonly ILogger _log = log ?? NullLogger.Instance;
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<IModeTarget, TargetModes> _targets = new();
    private readonly List<(ModeStamp Stamp, WeakReference<EnteredMode> Scope)> _safeModes = [];
    private ModeTable _table = ModeTable.Empty;
    private volatile ModesInForce _inForce = ModesInForce.None;
    private long _time;

    /// <summary>Sets the baseline to per-segment graphs or none (seed: <c>set_cudagraphs_mode</c>). Not checked against any module: one
    /// that cannot run so fails when called.</summary>
    public void SetCudaGraphsMode(bool enabled) =>
        Set(new ModeChange { CudaGraphs = enabled ? CudaGraphsMode.PerSegment : CudaGraphsMode.Off });

    /// <summary>Graphs per segment are on (seed: <c>get_cudagraphs_mode</c>): for a module what holds for it, without one the
    /// baseline.</summary>
    public bool GetCudaGraphsMode(IModeTarget? module = null) => CudaGraphs(module) == CudaGraphsMode.PerSegment;

    /// <summary>Graphs of the whole module are on (seed: <c>get_whole_cudagraphs_mode</c>): for a module what holds for it, without one the
    /// baseline.</summary>
    public bool GetWholeCudaGraphsMode(IModeTarget? module = null) => CudaGraphs(module) == CudaGraphsMode.WholeModule;

    /// <summary>The value behind both getters; its number is that of <c>torch.ops.tensorrt.get_cudagraphs_mode</c>.</summary>
    public CudaGraphsMode CudaGraphs(IModeTarget? module = null) =>
        module is null ? Effective().CudaGraphs : module.Traits.Graphs(Effective(module).CudaGraphs);

    /// <summary>
    /// Switches multi-device safe mode at once (seed: <c>set_multi_device_safe_mode</c>). Disposing the scope that is returned restores
    /// what held before; leaving it
    /// undisposed makes the switch permanent.
    /// </summary>
    public EnteredMode SetMultiDeviceSafeMode(bool enabled)
    {
        lock (_gate)
        {
            // A scope nobody can dispose any more hides all before it for good.
            int permanent = _safeModes.FindLastIndex(set => !set.Scope.TryGetTarget(out _));
            ModeTable table = _table.Without(_safeModes.Take(Math.Max(0, permanent)).Select(set => set.Stamp));
            _safeModes.RemoveRange(0, Math.Max(0, permanent));

            ModeEntry entry = Entry(ModeScope.Cluster, new ModeChange { MultiDeviceSafe = enabled }, entered: true);
            var scope = new EnteredMode(this, [], [entry.Stamp]);
            _safeModes.Add((entry.Stamp, new WeakReference<EnteredMode>(scope)));
            Publish(table.With(entry));
            return scope;
        }
    }

    /// <summary>Whether safe mode is on; off by default.</summary>
    public bool GetMultiDeviceSafeMode() => Effective().MultiDeviceSafe;

    /// <summary>What holds for a module, or without one the baseline.</summary>
    public ModeSettings Effective(IModeTarget? module = null)
    {
        ModesInForce inForce = _inForce;
        return module is null
            ? inForce.Resolve(default).Settings
            : ModesInForce.WithBuilt(inForce.Resolve(ModeTarget.Of(ScopeOf(module))), module.Traits);
    }

    /// <summary>The settings of one forward on a module; a value of the same epoch is the same object. <see cref="AdmittedModes.Refusal"/>
    /// says why it cannot run.</summary>
    /// <param name="call">Modes of this call alone.</param>
    public AdmittedModes Admit(IModeTarget module, ModeChange? call = null)
    {
        TargetModes target = TargetOf(module);
        if (target.IsUnapplied && Reapply(target) is { } failure)
        {
            return new AdmittedModes(ModeSettings.Default, _inForce.Epoch, failure);
        }

        return call is null ? target.Admit(_inForce) : target.AdmitAnew(_inForce, call);
    }

    /// <summary>A forward admitted under these modes is done: what it made and no mode holds any longer is released, as the scope that
    /// asked for it may have ended before it ran.</summary>
    internal void Finished(IModeTarget module, AdmittedModes under)
    {
        if (_inForce.Epoch == under.Epoch)
        {
            return;
        }

        lock (_gate)
        {
            if (_targets.TryGetValue(module, out TargetModes? target))
            {
                HeldModes held = HeldModes.Of(target.AdmitAnew(_inForce).Settings, module.Traits);
                if (HeldModes.Of(under.Settings, module.Traits).Or(held) != held)
                {
                    module.FreeAllBut(held);
                }
            }
        }
    }

    /// <summary>Makes a loaded module known; until then no scope can be entered on it. Gives it what the baselines ask of an
    /// instance.</summary>
    public void Register(IModeTarget module)
    {
        lock (_gate)
        {
            // The name is unique in this object, so that two loads of one model are two places.
            _targets[module] = new TargetModes(module, new ModeScope(Model: new ModelReference($"{module.Name}#{++_time}")), _log);
        }
    }

    /// <summary>Forgets a module that is unloaded, and the scopes entered on it; disposing those later does nothing.</summary>
    public void Unregister(IModeTarget module)
    {
        lock (_gate)
        {
            if (_targets.TryRemove(module, out TargetModes? target))
            {
                Publish(_table.Without([.. _table.Entries.Where(entry => entry.Scope == target.Scope).Select(entry => entry.Stamp)]));
            }
        }
    }

    /// <summary>Enters a change on modules, all of them or none.</summary>
    /// <exception cref="ForwardException">The settings that would result contradict each other or a module, or applying them failed.
    /// Nothing changed.</exception>
    internal EnteredMode Enter(IReadOnlyList<IModeTarget> modules, ModeChange change)
    {
        lock (_gate)
        {
            ModeEntry[] entries = Entries(modules, change);
            PutInForce(_table.With(entries), modules);
            return new EnteredMode(this, modules, [.. entries.Select(entry => entry.Stamp)]);
        }
    }

    /// <summary>Puts another change in the place of one that was entered; where it fails, the former one still holds.</summary>
    internal ModeStamp[] Replace(IReadOnlyList<IModeTarget> modules, IReadOnlyList<ModeStamp> stamps, ModeChange change)
    {
        lock (_gate)
        {
            ModeEntry[] entries = Entries(modules, change);
            PutInForce(_table.Without(stamps).With(entries), modules);
            return [.. entries.Select(entry => entry.Stamp)];
        }
    }

    /// <summary>Ends what was entered and gives back what only it held. Does not fail: what cannot be applied is tried again and reported
    /// by the next forward.</summary>
    internal void Exit(IReadOnlyList<IModeTarget> modules, IReadOnlyList<ModeStamp> stamps)
    {
        lock (_gate)
        {
            _safeModes.RemoveAll(set => stamps.Contains(set.Stamp));
            ModesInForce before = _inForce;
            Publish(_table.Without(stamps));
            foreach (IModeTarget module in modules)
            {
                if (_targets.TryGetValue(module, out TargetModes? target))
                {
                    ModeSettings settings = target.AdmitAnew(_inForce).Settings;
                    if (target.IsUnapplied || PerInstance.Differs(settings, target.AdmitAnew(before).Settings))
                    {
                        target.Restore(settings);
                    }

                    module.FreeAllBut(HeldModes.Of(settings, module.Traits));
                }
            }
        }
    }

    internal ILogger Log => _log;

    internal void WarnClamped(string module, long asked, long total) => LogClamped(_log, module, asked, total);

    private void Set(ModeChange change)
    {
        lock (_gate)
        {
            ModeTable table = _table.With(Entry(ModeScope.Cluster, change, entered: false));
            Publish(table.Without([.. table.Hidden()]));
            foreach ((IModeTarget module, TargetModes target) in _targets)
            {
                module.FreeAllBut(HeldModes.Of(target.AdmitAnew(_inForce).Settings, module.Traits));
            }
        }
    }

    /// <summary>Applies what a changed table means for modules, all of them or none, and publishes it.</summary>
    private void PutInForce(ModeTable table, IReadOnlyList<IModeTarget> modules)
    {
        ModesInForce after = ModesInForce.Of(table.Entries, _ => true, _time);
        TargetChange[] changes = [.. modules.Select(module => ChangeOf(TargetOf(module), after))];
        TargetChange.ApplyAll(changes);
        Publish(table);
        foreach (TargetChange change in changes)
        {
            IModeTarget module = change.Target.Module;
            module.FreeAllBut(HeldModes.Of(change.After, module.Traits));
            if (change.BeginsGraphs)
            {
                module.WarmUp(change.After);
            }
        }
    }

    private TargetChange ChangeOf(TargetModes target, ModesInForce after)
    {
        AdmittedModes admitted = target.AdmitAnew(after);
        return admitted.Refusal is not null && ModeConflicts.Find(admitted.Settings, target.Module.Traits) is { } refusal
            ? throw new ForwardException(refusal.Kind, refusal.Reason)
            : new TargetChange(target, target.AdmitAnew(_inForce).Settings, admitted.Settings);
    }

    private ModeRefusal? Reapply(TargetModes target)
    {
        lock (_gate)
        {
            if (!target.IsUnapplied)
            {
                return null;
            }

            try
            {
                target.Apply(target.AdmitAnew(_inForce).Settings);
                return null;
            }
            catch (ForwardException failure)
            {
                return new ModeRefusal(
                    failure.Kind,
                    $"The settings that held before a scope on '{target.Module.Name}' ended could not be restored: {failure.Message}"
                );
            }
        }
    }

    private void Publish(ModeTable table)
    {
        _table = table;
        _inForce = ModesInForce.Of(table.Entries, _ => true, ++_time);
    }

    private ModeEntry[] Entries(IReadOnlyList<IModeTarget> modules, ModeChange change)
    {
        if (modules.Count == 0)
        {
            throw new ForwardException(FailureKind.InvalidRequest, "There is no module to set a mode for.");
        }

        if (ModeValidation.Change(ModeScope.Cluster, change) is { } invalid)
        {
            throw new ForwardException(invalid.Kind, invalid.Reason);
        }

        return [.. modules.Select(module => Entry(ScopeOf(module), change, entered: true))];
    }

    private ModeEntry Entry(ModeScope scope, ModeChange change, bool entered) =>
        new(new ModeStamp(++_time, default, 0), entered ? new ModeToken(Guid.NewGuid()) : null, scope, change, default);

    private ModeScope ScopeOf(IModeTarget module) => TargetOf(module).Scope;

    private TargetModes TargetOf(IModeTarget module) =>
        _targets.TryGetValue(module, out TargetModes? target) ? target : throw Unregistered(module);

    private static ForwardException Unregistered(IModeTarget module) =>
        new(FailureKind.ModelNotLoaded, $"The module '{module.Name}' is not loaded.");

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Module {Module}: requested budget of {Asked} bytes is more than the streamable {Total}; it is clamped"
    )]
    private static partial void LogClamped(ILogger log, string module, long asked, long total);
}
