using System.Runtime.InteropServices;

namespace Troupe.Runtime.Memory;

/// <summary>Host memory of the process, as it is: for devices that are emulated, and where no more can be page-locked.</summary>
/// <remarks><b>Owns</b> it. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed unsafe class NativeRegion : IHostRegion
{
    /// <summary>A cache line.</summary>
    private const int Alignment = 64;

    private void* _address;

    /// <exception cref="OutOfMemoryException">There is none left.</exception>
    public NativeRegion(long bytes)
    {
        // SAFETY: freed once, by Dispose, with the call that belongs to it; whoever reads it holds a lease, which keeps it.
        _address = NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
    }

    public nint Address => (nint)_address;

    public void Dispose()
    {
        // SAFETY: from AlignedAlloc, or null, which is freed without effect.
        NativeMemory.AlignedFree(_address);
        _address = null;
    }
}
