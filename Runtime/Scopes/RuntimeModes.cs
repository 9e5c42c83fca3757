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
/// that module alone, and waits for that module alone.
/// <b>Owns</b> no resource; modules do. <b>Thread</b> any. <b>Blocks</b> in changes, while modules finish work in flight; in
/// <see cref="Admit"/> only where an earlier change could not be applied to the module and is tried again.
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
        if (_inForce.Epoch == under.Epoch || !_targets.TryGetValue(module, out TargetModes? target))
        {
            return;
        }

        lock (target.Gate)
        {
            if (IsKnown(target) && HeldModes.Of(under.Settings, module.Traits).Or(HeldBy(target)) != HeldBy(target))
            {
                module.FreeAllBut(HeldBy(target));
            }
        }
    }

    /// <summary>Makes a loaded module known; until then no scope can be entered on it. Gives it what the baselines ask of an
    /// instance.</summary>
    public void Register(IModeTarget module)
    {
        lock (_gate)
        {
            _targets[module] = new TargetModes(module, ++_time, _log);
        }
    }

    /// <summary>Forgets a module that is unloaded, and the scopes entered on it; disposing those later does nothing.</summary>
    public void Unregister(IModeTarget module)
    {
        if (!_targets.TryGetValue(module, out TargetModes? target))
        {
            return;
        }

        lock (target.Gate)
        {
            lock (_gate)
            {
                if (_targets.TryRemove(KeyValuePair.Create(module, target)))
                {
                    Publish(_table.Without([.. _table.Entries.Where(entry => entry.Scope == target.Scope).Select(entry => entry.Stamp)]));
                }
            }
        }
    }

    internal ILogger Log => _log;

    internal void WarnClamped(string module, long asked, long total) => LogClamped(_log, module, asked, total);

    private ModeRefusal? Reapply(TargetModes target)
    {
        lock (target.Gate)
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

    private ModeEntry Entry(ModeScope scope, ModeChange change, bool entered) =>
        new(new ModeStamp(++_time, default, 0), entered ? new ModeToken(Guid.NewGuid()) : null, scope, change, default);

    /// <summary>It was not unloaded while its gate was waited for.</summary>
    private bool IsKnown(TargetModes target) => _targets.TryGetValue(target.Module, out TargetModes? known) && known == target;

    private HeldModes HeldBy(TargetModes target) => HeldModes.Of(target.AdmitAnew(_inForce).Settings, target.Module.Traits);

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
