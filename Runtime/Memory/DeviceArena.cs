using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>One allocation that a lane lays its intermediate tensors out in; it grows to the largest layout seen and stays.</summary>
/// <remarks><b>Owns</b> the allocation. <b>Thread</b> the lane's holder, no work of the lane in flight when it grows.</remarks>
internal sealed class DeviceArena(DeviceContext device) : IDisposable
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
            _buffer = DeviceMemoryShortage.Guard(device, bytes, "The tensors between segments");
        }
    }

    public void Dispose() => _buffer?.Dispose();
}
