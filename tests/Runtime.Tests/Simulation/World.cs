using Troupe.Messages.Identity;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>Two emulated devices under a random legal schedule, some modules, the modes in force, and beside each of them what it should
/// be.</summary>
/// <remarks>Every random choice comes from the seed, so that a run can be had again.</remarks>
internal sealed partial class World : IDisposable
{
    public const int DeviceCount = 2;
    private const ulong MemoryBytes = 4UL << 20;
    private const int MaxLoaded = 5;

    private readonly Random _random;
    private readonly StepTrace _trace;
    private readonly EmulatedCudaDriver _driver;
    private readonly Platform _platform;
    private readonly List<LoadedCase> _loaded = [];
    private readonly Caller[] _callers;
    private readonly FaultPlan _faults = new();
    private int _version;

    public World(Random random, StepTrace trace)
    {
        _random = random;
        _trace = trace;
        _driver = new EmulatedCudaDriver(
            EmulatedDriverOptions.WithDevices(DeviceCount, new EmulatedDeviceOptions { MemoryBytes = MemoryBytes }) with
            {
                Policy = ExecutionPolicy.Deferred,
                Seed = random.Next(),
            }
        );
        _platform = new Platform(_driver, StandardBackends.Catalogue);
        _callers = [.. Enumerable.Range(0, 2 * DeviceCount).Select(number => new Caller(_platform, number / 2, number))];
    }

    /// <summary>A device failed for good; the world has ended.</summary>
    public bool IsOver { get; private set; }

    public void Step()
    {
        int dice = _random.Next(1000);
        if (_loaded.Count == 0 || (dice < 15 && _loaded.Count < MaxLoaded))
        {
            Load();
        }
        else if (dice < 22)
        {
            Unload(Any(_loaded));
        }
        else if (dice < 160)
        {
            ChangeModes();
        }
        else if (dice < 185)
        {
            Inject();
        }
        else if (dice < 187)
        {
            FailDevice();
        }
        else if (dice < 194)
        {
            Settle();
        }
        else if (dice < 200)
        {
            FillDevice();
        }
        else if (dice < 620)
        {
            ForwardOnHost(Any(_loaded));
        }
        else if (dice < 800)
        {
            ForwardOnDevice(Any(_loaded));
        }
        else
        {
            Advance();
        }

        if (!IsOver)
        {
            CheckCounts();
        }
    }

    /// <summary>Ends everything; nothing may be left.</summary>
    public void End()
    {
        if (!IsOver)
        {
            Settle();
            while (_loaded.Count > 0)
            {
                Unload(_loaded[^1]);
            }

            Array.ForEach(_callers, caller => caller.Dispose());
            Assert.Empty(_driver.Alive());
        }
    }

    public void Dispose()
    {
        _trace.Reported = string.Join(Environment.NewLine, _driver.Reports);
        _platform.Dispose();
    }

    private void Load()
    {
        ModuleCase module = Any(ModuleCatalogue.All);
        int home = module.Devices > 1 ? 0 : _random.Next(DeviceCount);
        if (_loaded.Exists(loaded => loaded.Module.Name == module.Name && loaded.Home == home))
        {
            return;
        }

        _trace.Add($"load {module.Name} on {home}");
        using var folder = new ModuleFolder();
        ModuleInstance instance = _platform.LoadInstance(
            new ModuleSource(new ModelReference(module.Name, ++_version), module.Write(folder)),
            home,
            new InstanceOptions(_random.Next(1, 4)),
            CancellationToken.None
        );
        var loaded = new LoadedCase(instance, new InstanceModel(module, home, _faults), new ModelVersion(module.Name, _version, default));
        _loaded.Add(loaded);
        CheckTraits(loaded);
        Adopt(loaded);
    }

    private void Unload(LoadedCase loaded)
    {
        _trace.Add($"unload {loaded}");
        Finish(loaded);
        ReturnCaches(loaded);
        loaded.Instance.Dispose();
        _loaded.Remove(loaded);
        if (_loaded.Count == 0)
        {
            // What is left are the callers: a context, a stream and their own tensors each.
            Assert.DoesNotContain(_driver.Alive(), line => line.Contains("graph", StringComparison.Ordinal));
        }
    }

    private T Any<T>(IReadOnlyList<T> list) => list[_random.Next(list.Count)];
}
