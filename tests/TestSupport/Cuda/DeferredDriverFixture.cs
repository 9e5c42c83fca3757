using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;

namespace Troupe.TestSupport.Cuda;

/// <summary>Two emulated devices in the deferred policy: work runs in a random legal order, another one in each run of a test.</summary>
public sealed class DeferredDriverFixture : EmulatedDriverFixture
{
    private static int s_seed;

    internal override EmulatedDriverOptions Options =>
        EmulatedDriverOptions.WithDevices(2, new EmulatedDeviceOptions { MemoryBytes = 1UL << 30 }) with
        {
            Policy = ExecutionPolicy.Deferred,
            Seed = Interlocked.Increment(ref s_seed),
        };
}
