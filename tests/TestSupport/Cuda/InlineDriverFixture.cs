using Troupe.Runtime.Cuda.Emulated;

namespace Troupe.TestSupport.Cuda;

/// <summary>Two emulated devices in the inline policy, as serving uses them.</summary>
public sealed class InlineDriverFixture : HostDriverFixture
{
    public override bool RunsAtEnqueue => true;

    internal override HostDriverOptions Options => HostDriverOptions.WithDevices(2, new HostDeviceOptions { MemoryBytes = 1UL << 30 });
}
