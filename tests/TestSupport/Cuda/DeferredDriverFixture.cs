using Troupe.Runtime.Cuda.Emulated;

namespace Troupe.TestSupport.Cuda;

/// <summary>Two emulated devices in the deferred policy: work runs in a random legal order, another one in each run of a test.</summary>
public sealed class DeferredDriverFixture : HostDriverFixture
{
    private static int s_seed;

    internal override HostDriverOptions Options =>
        HostDriverOptions.WithDevices(2, new HostDeviceOptions { MemoryBytes = 1UL << 30 }) with
        {
            Policy = ExecutionPolicy.Deferred,
            Seed = Interlocked.Increment(ref s_seed),
        };
}
