using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Memory;

/// <summary>Page-locked host memory through which a lane's inputs and outputs pass, so that copies to a real device need not
/// wait.</summary>
/// <remarks><b>Owns</b> one pinned allocation that grows to the largest need. <b>Thread</b> the lane's holder, no copy of the lane in
/// flight when it grows.</remarks>
internal sealed class HostStaging(DeviceContext device) : IDisposable
{
    private PinnedBuffer? _buffer;

    /// <exception cref="ForwardException">The host has no more page-locked memory.</exception>
    public void Ensure(ulong bytes)
    {
        if (bytes <= (_buffer?.ByteCount ?? 0))
        {
            return;
        }

        _buffer?.Dispose();
        _buffer = null;
        try
        {
            _buffer = PinnedBuffer.Allocate(device, bytes);
        }
        catch (CudaException trouble) when (trouble.Status == CuResult.OutOfMemory)
        {
            throw new ForwardException(
                FailureKind.OutOfDeviceMemory,
                $"The host has no {bytes} bytes of page-locked memory left for the inputs and outputs of a forward.",
                trouble
            );
        }
    }

    /// <summary>Bytes that a part takes, so that the next one starts on a cache line of its own.</summary>
    public static ulong Padded(ulong bytes) => ByteAlignment.Up(bytes, 64UL);

    public nint AddressAt(ulong offset) => _buffer!.Pointer.Address + (nint)offset;

    /// <summary>A view of a part, which is no larger than an array can be; valid until the next <see cref="Ensure"/>.</summary>
    public Span<byte> At(ulong offset, int bytes) => _buffer is null ? [] : _buffer.Part(offset, bytes);

    public void Dispose() => _buffer?.Dispose();
}
