using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>One block that tensors are laid out in, of a lane or of a recording; it grows to the largest layout seen and stays.</summary>
/// <param name="purpose">What lies in it, for the error when the device is full.</param>
/// <remarks><b>Owns</b> the block. <b>Thread</b> the lane's holder, no work of the lane in flight when it grows or goes.</remarks>
internal sealed class DeviceArena(BlockPool pool, string purpose) : IDisposable
{
    private DeviceBlock? _block;

    public DevicePointer Start => _block?.Pointer ?? default;

    public ulong Bytes => _block?.Bytes ?? 0;

    /// <summary>Makes room for <paramref name="bytes"/>; addresses handed out before are void when it has to grow.</summary>
    /// <exception cref="ForwardException">The device's memory is full; the arena is empty then.</exception>
    public void Ensure(ulong bytes)
    {
        if (bytes > Bytes)
        {
            Dispose();
            _block = pool.Reserve(bytes, purpose);
        }
    }

    /// <summary>Gives the block back; making room afterwards takes another.</summary>
    public void Dispose()
    {
        _block?.Return(_block.Generation);
        _block = null;
    }
}
