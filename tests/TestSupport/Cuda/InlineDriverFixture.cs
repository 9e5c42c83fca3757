using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;

namespace Troupe.TestSupport.Cuda;

/// <summary>Two emulated devices in the inline policy, as serving uses them.</summary>
public sealed class InlineDriverFixture : EmulatedDriverFixture
{
    public override bool RunsAtEnqueue => true;

    internal override EmulatedDriverOptions Options =>
        EmulatedDriverOptions.WithDevices(2, new EmulatedDeviceOptions { MemoryBytes = 1UL << 30 });
}
