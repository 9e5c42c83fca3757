using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;

namespace Troupe.Runtime.Execution;

/// <summary>The settings of an instance that its engines carry: weight budgets, workspace, TensorRT-RTX settings, profiling. They change all together or not at all.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> changes: the instance's, every lane idle and without contexts; reading: lanes.</remarks>
internal sealed class InstanceSettings
{
    private readonly LoadedModule _loaded;
    private readonly long[] _loadedBudgets;

    public InstanceSettings(LoadedModule loaded, WorkspaceStrategy workspace, string? profileFolder)
    {
        ProfileFolder = profileFolder ?? Path.Combine(Path.GetTempPath(), "troupe-profiles", loaded.Graph.Model.ToString());
        Current = ModeSettings.Default with { Workspace = workspace };
        _loaded = loaded;
        _loadedBudgets = [.. loaded.Engines.Select(engine => engine.WeightBudget)];
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
            SetRuntimeSettings(wanted.RuntimeSettings, undo);
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

    private void SetBudgets(WeightBudget budget, Stack<Action> undo)
    {
        long[] wanted = budget.Kind == WeightBudgetKind.Automatic ? _loadedBudgets : WeightShares.Of(budget, [.. _loaded.Engines.Select(engine => engine.StreamableWeightBytes)]);
        for (int index = 0; index < wanted.Length; index++)
        {
            IEngine engine = _loaded.Engines[index];
            long before = engine.WeightBudget;
            if (before != wanted[index])
            {
                DeviceContext device = _loaded.DeviceOf(index);
                Set(engine, device, wanted[index]);
                undo.Push(() => Set(engine, device, before));
            }
        }
    }

    private void SetRuntimeSettings(RuntimeSettings settings, Stack<Action> undo)
    {
        if (settings == Current.RuntimeSettings)
        {
            return;
        }

        RuntimeSettings before = Current.RuntimeSettings;
        for (int index = 0; index < _loaded.Engines.Count; index++)
        {
            IEngine engine = _loaded.Engines[index];
            DeviceContext device = _loaded.DeviceOf(index);
            Set(engine, device, settings);
            undo.Push(() => Set(engine, device, before));
        }
    }

    private static void Set(IEngine engine, DeviceContext device, long budget)
    {
        using ContextEntry entry = device.Enter();
        engine.SetWeightBudget(budget);
    }

    private static void Set(IEngine engine, DeviceContext device, RuntimeSettings settings)
    {
        using ContextEntry entry = device.Enter();
        engine.SetRuntimeSettings(settings);
    }
}
