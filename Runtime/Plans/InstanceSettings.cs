using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Engines.Caches;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Plans;

/// <summary>The settings of an instance that its engines carry: weight budgets, workspace, TensorRT-RTX settings, profiling. They change
/// all together or not at all.</summary>
/// <remarks><b>Owns</b> a use of the runtime cache. <b>Thread</b> changes: the instance's, every lane idle and without contexts; reading:
/// lanes.</remarks>
internal sealed class InstanceSettings : IDisposable
{
    private readonly LoadedModule _loaded;
    private readonly RuntimeCacheOptions _caches;
    private readonly long[] _loadedBudgets;
    private RuntimeCache? _cache;

    public InstanceSettings(LoadedModule loaded, WorkspaceStrategy workspace, InstanceOptions options)
    {
        ProfileFolder = options.ProfileFolder ?? Path.Combine(Path.GetTempPath(), "troupe-profiles", loaded.Graph.Model.ToString());
        Current = ModeSettings.Default with { Workspace = workspace };
        _loaded = loaded;
        _caches = options.Caches;
        if (loaded.Engines.Any(TakesRuntimeSettings))
        {
            _cache = RuntimeCaches.OfProcess.Acquire(Current.RuntimeSettings.CachePath, _caches);
            SetEngines(Current.RuntimeSettings, _cache);
        }

        _loadedBudgets = [.. loaded.Engines.Select(engine => engine.StreamableWeights?.Budget ?? 0)];
    }

    /// <summary>What is applied now.</summary>
    public ModeSettings Current { get; private set; }

    public WorkspaceStrategy Workspace => Current.Workspace;

    public ProfilingFormat Profiling => Current.Profiling;

    /// <summary>Where profiles go.</summary>
    public string ProfileFolder { get; }

    /// <exception cref="ForwardException">An engine refused; every engine is as before.</exception>
    public void Apply(ModeSettings wanted)
    {
        var undo = new Stack<Action>();
        try
        {
            SetBudgets(wanted.WeightBudget, undo);
            SetRuntimeSettings(wanted.RuntimeSettings);
            Current = wanted;
        }
        catch
        {
            while (undo.TryPop(out Action? step))
            {
                step();
            }

            throw;
        }
    }

    /// <summary>The instance is unloaded: its runtime cache is saved.</summary>
    public void Dispose()
    {
        RuntimeCaches.OfProcess.Release(_cache, _caches.Log);
        _cache = null;
    }

    private void SetBudgets(WeightBudget budget, Stack<Action> undo)
    {
        long[] wanted =
            budget.Kind == WeightBudgetKind.Automatic
                ? _loadedBudgets
                : WeightShares.Of(budget, [.. _loaded.Engines.Select(engine => engine.StreamableWeights?.Bytes ?? 0)]);
        for (int index = 0; index < wanted.Length; index++)
        {
            if (_loaded.Engines[index].StreamableWeights is { } weights && weights.Budget != wanted[index])
            {
                long before = weights.Budget;
                DeviceContext device = _loaded.DeviceOf(SegmentIndex.Of(index));
                Set(weights, device, wanted[index]);
                undo.Push(() => Set(weights, device, before));
            }
        }
    }

    private void SetRuntimeSettings(RuntimeSettings settings)
    {
        (RuntimeSettings before, RuntimeCache? old) = (Current.RuntimeSettings, _cache);
        if (settings == before)
        {
            return;
        }

        if (!_loaded.Engines.Any(TakesRuntimeSettings))
        {
            throw new ForwardException(
                FailureKind.NotSupported,
                "Kernel specialization, graph strategy and runtime cache are TRT-RTX-only; the module has no such engine."
            );
        }

        RuntimeCache? cache = settings.CachePath == before.CachePath ? old : RuntimeCaches.OfProcess.Acquire(settings.CachePath, _caches);
        try
        {
            SetEngines(settings, cache);
        }
        catch
        {
            SetEngines(before, old);
            if (!ReferenceEquals(cache, old))
            {
                RuntimeCaches.OfProcess.Release(cache, _caches.Log);
            }

            throw;
        }

        _cache = cache;
        if (!ReferenceEquals(cache, old))
        {
            RuntimeCaches.OfProcess.Release(old, _caches.Log);
        }
    }

    private static bool TakesRuntimeSettings(IEngine engine) => engine.ConfigurableRuntime is not null;

    private void SetEngines(RuntimeSettings settings, RuntimeCache? cache)
    {
        for (int index = 0; index < _loaded.Engines.Count; index++)
        {
            if (_loaded.Engines[index].ConfigurableRuntime is { } runtime)
            {
                using ContextEntry entry = _loaded.DeviceOf(SegmentIndex.Of(index)).Enter();
                runtime.Configure(settings, cache);
            }
        }
    }

    private static void Set(IStreamableWeights weights, DeviceContext device, long budget)
    {
        using ContextEntry entry = device.Enter();
        weights.SetBudget(budget);
    }
}
