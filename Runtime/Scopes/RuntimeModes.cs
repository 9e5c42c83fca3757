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
/// that module alone.
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

    /// <summary>A module as the table knows it, with its settings at the last epoch it was asked for.</summary>
    private sealed class TargetModes(ModeScope scope)
    {
        public ModeScope Scope => scope;

        /// <summary>A change back could not be applied when its scope ended; the next forward tries again and reports.</summary>
        public volatile bool Unapplied;

        public volatile AdmittedModes? Admitted;
    }

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
        TargetModes target = _targets.TryGetValue(module, out TargetModes? known) ? known : throw Unregistered(module);
        if (target.Unapplied && Reapply(module, target) is { } failure)
        {
            return new AdmittedModes(ModeSettings.Default, _inForce.Epoch, failure);
        }

        ModesInForce inForce = _inForce;
        if (call is not null)
        {
            return inForce.Admit(ModeTarget.Of(target.Scope), module.Traits, call);
        }

        AdmittedModes? admitted = target.Admitted;
        if (admitted is null || admitted.Epoch != inForce.Epoch)
        {
            target.Admitted = admitted = inForce.Admit(ModeTarget.Of(target.Scope), module.Traits);
        }

        return admitted;
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
                HeldModes held = HeldModes.Of(_inForce.Admit(ModeTarget.Of(target.Scope), module.Traits).Settings, module.Traits);
                if (HeldModes.Of(under.Settings, module.Traits).Or(held) != held)
                {
                    module.Release(held);
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
            _targets[module] = new TargetModes(new ModeScope(Model: new ModelReference($"{module.Name}#{++_time}")));
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
            Change(_table.With(entries), modules);
            return new EnteredMode(this, modules, [.. entries.Select(entry => entry.Stamp)]);
        }
    }

    /// <summary>Puts another change in the place of one that was entered; where it fails, the former one still holds.</summary>
    internal ModeStamp[] Replace(IReadOnlyList<IModeTarget> modules, IReadOnlyList<ModeStamp> stamps, ModeChange change)
    {
        lock (_gate)
        {
            ModeEntry[] entries = Entries(modules, change);
            Change(_table.Without(stamps).With(entries), modules);
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
                if (!_targets.TryGetValue(module, out TargetModes? target))
                {
                    continue;
                }

                ModeTarget place = ModeTarget.Of(target.Scope);
                ModeSettings settings = _inForce.Admit(place, module.Traits).Settings;
                if (target.Unapplied || PerInstance.Differs(settings, before.Admit(place, module.Traits).Settings))
                {
                    try
                    {
                        module.Apply(settings);
                        target.Unapplied = false;
                    }
                    catch (ForwardException failure)
                    {
                        target.Unapplied = true;
                        LogNotRestored(_log, module.Name, failure);
                    }
                }

                module.Release(HeldModes.Of(settings, module.Traits));
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
                module.Release(HeldModes.Of(_inForce.Admit(ModeTarget.Of(target.Scope), module.Traits).Settings, module.Traits));
            }
        }
    }

    private void Change(ModeTable table, IReadOnlyList<IModeTarget> modules)
    {
        ModesInForce after = ModesInForce.Of(table.Entries, _ => true, _time);
        var settings = new (ModeSettings Before, ModeSettings After)[modules.Count];
        for (int i = 0; i < modules.Count; i++)
        {
            ModeTarget place = ModeTarget.Of(ScopeOf(modules[i]));
            AdmittedModes admitted = after.Admit(place, modules[i].Traits);
            if (admitted.Refusal is not null && ModeConflicts.Find(admitted.Settings, modules[i].Traits) is { } refusal)
            {
                throw new ForwardException(refusal.Kind, refusal.Reason);
            }

            settings[i] = (_inForce.Admit(place, modules[i].Traits).Settings, admitted.Settings);
        }

        int applied = 0;
        try
        {
            for (; applied < modules.Count; applied++)
            {
                if (PerInstance.Differs(settings[applied].Before, settings[applied].After))
                {
                    modules[applied].Apply(settings[applied].After);
                }
            }
        }
        catch
        {
            while (--applied >= 0)
            {
                if (PerInstance.Differs(settings[applied].Before, settings[applied].After))
                {
                    Restore(modules[applied], settings[applied].Before);
                }
            }

            throw;
        }

        Publish(table);
        for (int i = 0; i < modules.Count; i++)
        {
            modules[i].Release(HeldModes.Of(settings[i].After, modules[i].Traits));
            if (settings[i].After.CudaGraphs != settings[i].Before.CudaGraphs && settings[i].After.CudaGraphs != CudaGraphsMode.Off)
            {
                modules[i].WarmUp(settings[i].After);
            }
        }
    }

    private void Restore(IModeTarget module, ModeSettings settings)
    {
        try
        {
            module.Apply(settings);
        }
        catch (ForwardException failure)
        {
            _targets[module].Unapplied = true;
            LogNotRestored(_log, module.Name, failure);
        }
    }

    private ModeRefusal? Reapply(IModeTarget module, TargetModes target)
    {
        lock (_gate)
        {
            if (!target.Unapplied)
            {
                return null;
            }

            try
            {
                module.Apply(_inForce.Admit(ModeTarget.Of(target.Scope), module.Traits).Settings);
                target.Unapplied = false;
                return null;
            }
            catch (ForwardException failure)
            {
                return new ModeRefusal(
                    failure.Kind,
                    $"The settings that held before a scope on '{module.Name}' ended could not be restored: {failure.Message}"
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

    private ModeScope ScopeOf(IModeTarget module) =>
        _targets.TryGetValue(module, out TargetModes? target) ? target.Scope : throw Unregistered(module);

    private static ForwardException Unregistered(IModeTarget module) =>
        new(FailureKind.ModelNotLoaded, $"The module '{module.Name}' is not loaded.");

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Module {Module}: the settings from before a scope could not be restored; the next forward tries again"
    )]
    private static partial void LogNotRestored(ILogger log, string module, Exception failure);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Module {Module}: requested budget of {Asked} bytes is more than the streamable {Total}; it is clamped"
    )]
    private static partial void LogClamped(ILogger log, string module, long asked, long total);
}
