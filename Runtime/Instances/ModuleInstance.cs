using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
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
/// <remarks><b>Owns</b> engines, lanes, block pools and one retain of each device context. <b>Thread</b> leasing: any; lanes: their
/// holder's. <b>Blocks</b> in <see cref="Dispose"/>, for the work in flight.</remarks>
internal sealed class ModuleInstance : IModuleInstance
{
    private readonly Lock _lock = new();
    private readonly LoadedModule _loaded;
    private readonly InputCheck _check;
    private readonly DeviceHealth[] _health;
    private readonly BlockPool[] _pools;
    private readonly int _maxLanes;

    /// <summary>Idle lanes, the last used last.</summary>
    private readonly List<LeasedLane> _idle = [];
    private readonly List<LeasedLane> _all = [];
    private bool _isDisposed;

    public ModuleInstance(LoadedModule loaded, DeviceHealth[] health, InstanceOptions options)
    {
        _loaded = loaded;
        _health = health;
        _maxLanes = Math.Max(1, options.MaxLanes);
        _check = new InputCheck(loaded.Graph);
        Traits = InstanceTraits.Of(loaded.Graph, loaded.Engines);
        Settings = new InstanceSettings(loaded, Traits.BuiltWorkspace, options);
        _pools = [.. loaded.Devices.Select(device => new BlockPool(device))];
        Ordinals = [.. loaded.Devices.Select(device => device.Ordinal)];
    }

    public ModuleSpec Module => _loaded.Graph.Spec;

    public ModuleGraph Graph => _loaded.Graph;

    public IReadOnlyList<IEngine> Engines => _loaded.Engines;

    public int HomeOrdinal => Ordinals[0];

    public IReadOnlyList<int> Ordinals { get; }

    /// <summary>The settings its engines carry.</summary>
    public InstanceSettings Settings { get; }

    /// <summary>Lanes made so far.</summary>
    public IReadOnlyList<LeasedLane> Lanes => _all;

    /// <summary>The pool that lends memory on the home device.</summary>
    public BlockPool HomePool => _pools[0];

    public ModuleTraits Traits { get; }

    /// <summary>What the instance has done so far.</summary>
    public InstanceCounters Counters { get; } = new();

    public InstanceSnapshot Snapshot()
    {
        long budget = 0,
            streamable = 0;
        foreach (IEngine engine in Engines)
        {
            budget += engine.StreamableWeights?.Budget ?? 0;
            streamable += engine.StreamableWeights?.Bytes ?? 0;
        }

        return new InstanceSnapshot(Module.Model, HomeOrdinal, Counters.Snapshot(), budget, streamable);
    }

    public bool TryLease(out ILane lane)
    {
        LeasedLane? leased = TryLease();
        lane = leased!;
        return leased is not null;
    }

    /// <summary>An idle lane, last used first; null when all are at work and no further one may be made.</summary>
    /// <exception cref="ForwardException">The device is lost, or not even one lane fits its memory.</exception>
    public LeasedLane? TryLease()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            try
            {
                for (int index = _idle.Count - 1; index >= 0; index--)
                {
                    LeasedLane idle = _idle[index];
                    if (idle.Lane.IsIdle())
                    {
                        _idle.RemoveAt(index);
                        ReleaseNow(idle);
                        return idle;
                    }
                }

                return _all.Count < _maxLanes ? MakeLane() : null;
            }
            catch (CudaException trouble) when (trouble.Status == CuResult.OutOfMemory && _all.Count > 0)
            {
                return null;
            }
            catch (CudaException trouble)
            {
                throw _health[0].Explain(trouble);
            }
        }
    }

    /// <summary>As <see cref="TryLease()"/>, but waits for the work in flight of a lane whose holder has let it go; the caller knows that
    /// one is or can be made.</summary>
    public LeasedLane Lease()
    {
        lock (_lock)
        {
            if (TryLease() is { } ready)
            {
                return ready;
            }

            LeasedLane busy = _idle[^1];
            busy.Lane.Settle();
            _idle.Remove(busy);
            ReleaseNow(busy);
            return busy;
        }
    }

    /// <summary>Waits for everything in flight on lanes that nobody holds.</summary>
    public void Settle()
    {
        lock (_lock)
        {
            _idle.ForEach(lane => lane.Lane.Settle());
        }
    }

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

        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (!PerInstance.Differs(settings, Settings.Current))
            {
                return;
            }

            foreach (LeasedLane lane in _all)
            {
                lane.Lane.Settle();
                lane.Lane.DropContexts();
            }

            try
            {
                Settings.Apply(settings);
            }
            catch (CudaException trouble)
            {
                throw _health[0].Explain(trouble);
            }
        }
    }

    /// <summary>Makes the lane that the next forward will take ready for the graphs of these settings, as far as that needs no
    /// call.</summary>
    public void WarmUp(ModeSettings settings)
    {
        lock (_lock)
        {
            LeasedLane? lane = null;
            try
            {
                lane = TryLease();
                lane?.Lane.WarmUp(settings);
            }
            catch (ForwardException)
            {
                // No lane is to be had: the first forward meets the same trouble, and has somebody to tell.
            }
            finally
            {
                if (lane is not null)
                {
                    GiveBack(lane);
                }
            }
        }
    }

    public bool IsReleased
    {
        get
        {
            lock (_lock)
            {
                try
                {
                    foreach (LeasedLane lane in _idle)
                    {
                        if (lane.ReleaseWhenIdle is not null && lane.Lane.IsIdle())
                        {
                            ReleaseNow(lane);
                        }
                    }
                }
                catch (CudaException trouble)
                {
                    // The device failed, and what it held is gone with it.
                    _health[0].Explain(trouble);
                    return true;
                }

                return _all.TrueForAll(static lane => lane.ReleaseWhenIdle is null);
            }
        }
    }

    public void Release(HeldModes held)
    {
        lock (_lock)
        {
            foreach (LeasedLane lane in _all)
            {
                lane.ReleaseWhenIdle = held;
            }

            foreach (LeasedLane lane in _idle)
            {
                if (lane.Lane.IsIdle())
                {
                    ReleaseNow(lane);
                }
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            foreach (LeasedLane lane in _all)
            {
                lane.Lane.Settle();
                lane.Destroy();
            }

            _all.Clear();
            _idle.Clear();
            foreach (BlockPool pool in _pools)
            {
                pool.Dispose();
            }

            Settings.Dispose();
            _loaded.Dispose();
        }
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

    private static void ReleaseNow(LeasedLane lane)
    {
        if (lane.ReleaseWhenIdle is { } held)
        {
            lane.ReleaseWhenIdle = null;
            lane.Lane.Release(held);
        }
    }

    private LeasedLane MakeLane()
    {
        var devices = new List<LaneDevice>(_pools.Length);
        try
        {
            for (int index = 0; index < _pools.Length; index++)
            {
                devices.Add(new LaneDevice(_loaded.Devices[index], _pools[index], Graph.Tensors.Length));
            }

            var lane = new Lane(Graph, _check, Traits, Counters, Engines, Settings, [.. devices], _health);
            var leased = new LeasedLane(lane, Graph, _check, _health[0], GiveBack);
            _all.Add(leased);
            return leased;
        }
        catch
        {
            devices.ForEach(device => device.Dispose());
            throw;
        }
    }

    private void GiveBack(LeasedLane lane)
    {
        lock (_lock)
        {
            if (_isDisposed || _idle.Contains(lane))
            {
                return;
            }

            _idle.Add(lane);
            if (lane.ReleaseWhenIdle is not null && lane.Lane.IsIdle())
            {
                ReleaseNow(lane);
            }
        }
    }
}
