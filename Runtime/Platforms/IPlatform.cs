using Troupe.Runtime.Counts;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Platforms;

/// <summary>The devices of this machine, through one driver: the door through which Actors reach Runtime.</summary>
/// <remarks><b>Owns</b> the driver. <b>Thread</b> any for reading; groups and loads belong to the thread that makes them.</remarks>
public interface IPlatform : IDisposable
{
    /// <summary>By ordinal.</summary>
    IReadOnlyList<DeviceDescription> Devices { get; }

    /// <summary>Retains the primary device contexts of <paramref name="ordinals"/> for the calling thread, an executor's; disposed on that
    /// thread.</summary>
    /// <exception cref="ForwardException">The device is lost or refuses a context.</exception>
    IDeviceGroup OpenGroup(params IReadOnlyList<int> ordinals);

    /// <summary>Loads a module on <paramref name="homeOrdinal"/> and the devices relative to it, on a stream of its own; blocks until it
    /// can run. The instance is handed to the executor that owns the devices.</summary>
    /// <exception cref="ModuleLoadException">The bytes are corrupt, truncated, unsupported or too large; nothing is left
    /// behind.</exception>
    IModuleInstance Load(ModuleSource source, int homeOrdinal, InstanceOptions options, CancellationToken cancellation);

    /// <summary>A pool of host memory for tensors on their way to the devices and from them, page-locked where they are real; the
    /// caller's, disposed before the platform.</summary>
    HostMemory OpenHostMemory() => new();
}

/// <summary>Free and total bytes of one device's memory, as the driver says, and what has become of those that this process took.</summary>
public readonly record struct DeviceMemory(long FreeBytes, long TotalBytes, MemoryCounts Counts = default);

/// <summary>The device contexts one executor thread owns.</summary>
/// <remarks><b>Owns</b> the retained contexts. <b>Thread</b> the executor's. <b>Blocks</b> only in <see cref="Drain"/>.</remarks>
public interface IDeviceGroup : IDisposable
{
    IReadOnlyList<int> Ordinals { get; }

    /// <summary>A sticky error or a lost device, in words; null while the contexts are usable. Once set it stays.</summary>
    string? Fault { get; }

    DeviceMemory Memory(int ordinal);

    /// <summary>Waits for everything enqueued, at most <paramref name="bound"/>; false when it did not end in time.</summary>
    bool Drain(TimeSpan bound);
}
