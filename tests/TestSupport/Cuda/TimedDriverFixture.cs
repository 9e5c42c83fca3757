using Troupe.Runtime.Cuda.Emulated;

namespace Troupe.TestSupport.Cuda;

/// <summary>Two emulated devices on a virtual clock.</summary>
public sealed class TimedDriverFixture : HostDriverFixture
{
    internal override HostDriverOptions Options =>
        HostDriverOptions.WithDevices(2, new HostDeviceOptions { MemoryBytes = 1UL << 30 }) with
        {
            Policy = ExecutionPolicy.Timed,
        };
}
