using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>Page-locked host memory: a copy between it and a device runs while the host goes on.</summary>
/// <remarks><b>Owns</b> it. <b>Thread</b> any. <b>Blocks</b> when freed: the driver may wait for the device.</remarks>
internal sealed class PinnedRegion(PinnedBuffer buffer) : IHostRegion
{
    public nint Address => buffer.Pointer.Address;

    public void Dispose() => buffer.Dispose();
}
