using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;

namespace Troupe.TestSupport.Cuda;

/// <summary>Two emulated devices on a virtual clock.</summary>
public sealed class TimedDriverFixture : EmulatedDriverFixture
{
    internal override EmulatedDriverOptions Options =>
        EmulatedDriverOptions.WithDevices(2, new EmulatedDeviceOptions { MemoryBytes = 1UL << 30 }) with
        {
            Policy = ExecutionPolicy.Timed,
        };
}
