using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>One allocation that tensors are laid out in, of a lane or of a recording; it grows to the largest layout seen and
/// stays.</summary>
/// <param name="purpose">What lies in it, for the error when the device is full.</param>
/// <remarks><b>Owns</b> the allocation. <b>Thread</b> the lane's holder, no work of the lane in flight when it grows.</remarks>
internal sealed class DeviceArena(DeviceContext device, string purpose) : IDisposable
{
    private DeviceBuffer? _buffer;

    public DevicePointer Start => _buffer?.Pointer ?? default;

    public ulong Bytes => _buffer?.ByteCount ?? 0;

    /// <summary>Makes room for <paramref name="bytes"/>; addresses handed out before are void when it has to grow.</summary>
    /// <exception cref="ForwardException">The device's memory is full; the arena is empty then.</exception>
    public void Ensure(ulong bytes)
    {
        if (bytes > Bytes)
        {
            _buffer?.Dispose();
            _buffer = null;
            _buffer = DeviceMemoryShortage.Guard(device, bytes, purpose);
        }
    }

    /// <summary>Frees the allocation; making room afterwards allocates anew.</summary>
    public void Dispose()
    {
        _buffer?.Dispose();
        _buffer = null;
    }
}
