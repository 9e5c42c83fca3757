using Microsoft.Extensions.Logging;
using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Native;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Platforms;

/// <summary>The devices of this machine through one driver, and the back ends that can use them.</summary>
/// <remarks><b>Owns</b> the driver. <b>Thread</b> any. <b>Blocks</b> while a module is loaded.</remarks>
public sealed partial class Platform : IPlatform
{
    private readonly DeviceHealth[] _health;
    private readonly ModuleLoader _loader;

    internal Platform(ICudaDriver driver, BackendCatalogue backends)
    {
        Driver = driver;
        driver.DeviceGetCount(out int count).ThrowIfFailed();
        Devices = [.. Enumerable.Range(0, count).Select(ordinal => Describe(driver, ordinal))];
        Memory = new DeviceAllocators(driver);
        _health = [.. Enumerable.Range(0, count).Select(ordinal => new DeviceHealth(ordinal))];
        _loader = new ModuleLoader(driver, Memory, Devices, backends, _health);
    }

    public IReadOnlyList<DeviceDescription> Devices { get; }

    internal ICudaDriver Driver { get; }

    /// <summary>The one owner of each device's memory.</summary>
    internal DeviceAllocators Memory { get; }

    /// <summary>Emulated devices in host memory: needs no GPU, runs ONNX models.</summary>
    public static Platform OpenEmulated(EmulatedDevices devices)
    {
        ArgumentNullException.ThrowIfNull(devices);
        ArgumentOutOfRangeException.ThrowIfLessThan(devices.Count, 1, nameof(devices));
        ArgumentOutOfRangeException.ThrowIfLessThan(devices.MemoryBytes, 1, nameof(devices));
        var device = new EmulatedDeviceOptions { MemoryBytes = (ulong)devices.MemoryBytes };
        return new Platform(new EmulatedCudaDriver(EmulatedDriverOptions.WithDevices(devices.Count, device)), StandardBackends.Catalogue);
    }

    /// <summary>The real devices of this machine.</summary>
    /// <exception cref="CudaUnavailableException">There is no usable driver; the message says what is missing.</exception>
    public static Platform OpenCuda() => new(NativeCudaDriver.Open(), StandardBackends.Catalogue);

    /// <summary>Sets how the memory of each device is taken; nothing is loaded yet.</summary>
    /// <exception cref="ForwardException">The budget does not suit a device, or is in use.</exception>
    public void UseMemory(DeviceMemoryOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Memory.SeparateBlocks = options.SeparateBlocks;
        if (options.BudgetBytes is { } bytes)
        {
            foreach (DeviceDescription device in Devices)
            {
                Memory.Limit(device.Ordinal, bytes);
            }
        }
    }

    /// <summary>Reads a module's files as a load does, and makes each of its engines that can run without a GPU, one after another, to let
    /// it go: for a process that may be ended by it. A GPU is not touched; of a plan for one the record around it is read.</summary>
    /// <returns>The files that were read, each by the SHA-256 of its bytes.</returns>
    /// <exception cref="ModuleLoadException">The module is refused.</exception>
    public static FileDigests TryLoad(ModuleSource source, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(source);

        // Whether it fits a device is for the load to say.
        using Platform platform = OpenEmulated(new EmulatedDevices(1, long.MaxValue));
        var files = new FileDigests();
        platform._loader.Try(source with { Files = files }, cancellation);
        return files;
    }

    public IDeviceGroup OpenGroup(params IReadOnlyList<int> ordinals)
    {
        ArgumentNullException.ThrowIfNull(ordinals);
        var contexts = new List<DeviceContext>(ordinals.Count);
        try
        {
            foreach (int ordinal in ordinals)
            {
                contexts.Add(Retain(ordinal));
            }

            return new DeviceGroup([.. contexts], _health, Memory);
        }
        catch
        {
            contexts.ForEach(context => context.Dispose());
            throw;
        }
    }

    public IModuleInstance Load(ModuleSource source, int homeOrdinal, InstanceOptions options, CancellationToken cancellation) =>
        LoadInstance(source, homeOrdinal, options, cancellation);

    public HostMemory OpenHostMemory()
    {
        long limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return new HostMemory(limit, Devices.FirstOrDefault(device => !device.Emulated) is { } real ? Retain(real.Ordinal) : null);
    }

    public void Dispose() => Driver.Dispose();

    internal ModuleInstance LoadInstance(ModuleSource source, int? homeOrdinal, InstanceOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(options);
        LoadedModule loaded = _loader.Load(source, homeOrdinal, cancellation);
        foreach (string warning in loaded.Warnings)
        {
            LogWarning(options.Log, source.Model.Name, warning);
        }

        try
        {
            return new ModuleInstance(loaded, [.. loaded.Devices.Select(device => _health[device.Ordinal])], options);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    private DeviceContext Retain(int ordinal)
    {
        if ((uint)ordinal >= (uint)Devices.Count)
        {
            throw new ForwardException(FailureKind.NotFound, $"There is no device {ordinal}; this machine has {Devices.Count}.");
        }

        if (_health[ordinal].Fault is { } fault)
        {
            throw new ForwardException(FailureKind.DeviceLost, $"Device {ordinal} is out of service: {fault}.");
        }

        try
        {
            return DeviceContext.Retain(Driver, ordinal);
        }
        catch (CudaException trouble)
        {
            throw _health[ordinal].Explain(trouble);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "While '{Model}' was loaded: {Warning}")]
    private static partial void LogWarning(ILogger log, string model, string warning);

    private static DeviceDescription Describe(ICudaDriver driver, int ordinal)
    {
        driver.DeviceGet(out CuDevice device, ordinal).ThrowIfFailed();
        driver.DeviceGetName(out string name, device).ThrowIfFailed();
        driver.DeviceTotalMem(out ulong bytes, device).ThrowIfFailed();
        driver.DeviceGetAttribute(out int major, CuDeviceAttribute.ComputeCapabilityMajor, device).ThrowIfFailed();
        driver.DeviceGetAttribute(out int minor, CuDeviceAttribute.ComputeCapabilityMinor, device).ThrowIfFailed();
        return new DeviceDescription(ordinal, name, driver is IManagedLauncher, major, minor, (long)bytes);
    }
}
