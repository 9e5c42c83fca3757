using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Instances;

/// <summary>A module's engines on their devices, and the lanes that run them.</summary>
/// <remarks><b>Owns</b> engines, lanes and a door to each device's memory. <b>Thread</b> leasing: any; lanes: their
/// holder's. <b>Blocks</b> in <see cref="Dispose"/>, for the work in flight.</remarks>
internal sealed class ModuleInstance : IModuleInstance
{
    private readonly LoadedModule _loaded;
    private readonly LanePool _lanes;

    public ModuleInstance(LoadedModule loaded, DeviceHealth[] health, InstanceOptions options)
    {
        _loaded = loaded;
        Traits = InstanceTraits.Of(loaded.Graph, loaded.Engines);
        Settings = new InstanceSettings(loaded, Traits.BuiltWorkspace, options);
        Ordinals = [.. loaded.Devices.Select(device => device.Ordinal)];
        var parts = new InstanceParts(
            loaded.Layout,
            new InputCheck(loaded.Graph),
            Traits,
            Counters,
            loaded.Engines,
            Settings,
            new ModuleHealth(loaded.Devices, health),
            options.MaxOutputBytes
        );
        _lanes = new LanePool(parts, [.. loaded.Memory], Math.Max(1, options.MaxLanes));
        foreach (BlockPool memory in loaded.Memory)
        {
            memory.Holder = _lanes;
        }
    }

    public ModuleSpec Module => _loaded.Graph.Spec;

    public ModuleGraph Graph => _loaded.Graph;

    public IReadOnlyList<IEngine> Engines => _loaded.Engines;

    public int HomeOrdinal => Ordinals[0];

    public IReadOnlyList<int> Ordinals { get; }

    /// <summary>The settings its engines carry.</summary>
    public InstanceSettings Settings { get; }

    /// <summary>Lanes made so far.</summary>
    public IReadOnlyList<HostLane> Lanes => _lanes.All;

    /// <summary>The pool that lends memory on the home device.</summary>
    public BlockPool HomePool => _loaded.Memory[0];

    public ModuleTraits Traits { get; }

    /// <summary>What the instance has done so far.</summary>
    public InstanceCounters Counters { get; } = new();

    public bool IsFreed => _lanes.IsFreed;

    public InstanceSnapshot Snapshot()
    {
        long budget = 0,
            streamable = 0;
        foreach (IEngine engine in Engines)
        {
            budget += engine.StreamableWeights?.Budget ?? 0;
            streamable += engine.StreamableWeights?.Bytes ?? 0;
        }

        return new InstanceSnapshot(Module.Model, HomeOrdinal, Counters.Snapshot(), budget, streamable)
        {
            Memory = [.. _loaded.Memory.Select(memory => memory.Counts)],
        };
    }

    public bool TryLease(out ILane lane)
    {
        HostLane? leased = _lanes.TryLease();
        lane = leased!;
        return leased is not null;
    }

    /// <inheritdoc cref="LanePool.TryLease"/>
    public HostLane? TryLease() => _lanes.TryLease();

    /// <inheritdoc cref="LanePool.Lease"/>
    public HostLane Lease() => _lanes.Lease();

    /// <inheritdoc cref="LanePool.WaitUntilIdle"/>
    public void WaitUntilIdle() => _lanes.WaitUntilIdle();

    public void Apply(ModeSettings settings)
    {
        if (ModeConflicts.Find(settings, Traits) is { } refusal)
        {
            throw new ForwardException(refusal.Kind, refusal.Reason);
        }

        if (settings.Profiling != ProfilingFormat.Off)
        {
            MakeProfileFolder();
        }

        _lanes.Reconfigure(settings);
    }

    /// <inheritdoc cref="LanePool.WarmUp"/>
    public void WarmUp(ModeSettings settings) => _lanes.WarmUp(settings);

    public void FreeAllBut(HeldModes held) => _lanes.FreeAllBut(held);

    public void Dispose()
    {
        if (!_lanes.TryClose())
        {
            return;
        }

        Settings.Dispose();
        _loaded.Dispose();
    }

    /// <summary>Found out here and not by the first forward, whose result is not worth losing for it.</summary>
    private void MakeProfileFolder()
    {
        try
        {
            Directory.CreateDirectory(Settings.ProfileFolder);
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ForwardException(
                FailureKind.InvalidRequest,
                $"Profiles cannot be written to '{Settings.ProfileFolder}': {trouble.Message}",
                trouble
            );
        }
    }
}
