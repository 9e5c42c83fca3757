namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>What one emulated device looks like.</summary>
internal sealed record EmulatedDeviceOptions
{
    /// <value>Device memory in bytes; an allocation beyond it is out of memory. Default 8 GiB.</value>
    public ulong MemoryBytes { get; init; } = 8UL << 30;

    /// <value>Name the driver reports.</value>
    public string Name { get; init; } = "Troupe emulated device";

    public int ComputeMajor { get; init; } = 9;

    public int ComputeMinor { get; init; }

    public int MultiprocessorCount { get; init; } = 1;

    /// <value>Ordinals of the devices it can reach by peer access; null means all.</value>
    public IReadOnlyList<int>? Peers { get; init; }

    /// <value>Bytes per second of a copy on the virtual clock of the timed policy. Default 16 GiB/s.</value>
    public ulong CopyBytesPerSecond { get; init; } = 16UL << 30;

    /// <value>Kernels that run side by side on the virtual clock. Default 1: one engine run fills the device.</value>
    public int ConcurrentKernels { get; init; } = 1;

    /// <value>Factor on every duration of the timed policy; a slow device has more than one.</value>
    public double SlowDown { get; init; } = 1;
}
