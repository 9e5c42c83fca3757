using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Memory;

/// <summary>Page-locked host memory through which a lane's inputs and outputs pass, so that copies to a real device need not
/// wait.</summary>
/// <remarks><b>Owns</b> one pinned allocation that grows to the largest need, and is given back when forwards need much less. <b>Thread</b>
/// the lane's holder, no copy of the lane in flight when it grows or shrinks.</remarks>
internal sealed class HostStaging(DeviceContext device) : IDisposable
{
    /// <summary>What stays whatever forwards need: to page-lock it anew costs more than it is worth.</summary>
    public const ulong Slack = 64UL << 20;

    /// <summary>What is larger than this takes long enough for a device with copy engines to copy it beside other work.</summary>
    public const ulong Chunk = 1UL << 20;

    private PinnedBuffer? _buffer;
    private ulong _needed;
    private ulong _neededBefore;

    /// <summary>Bytes that are page-locked.</summary>
    public ulong Bytes => _buffer?.ByteCount ?? 0;

    /// <summary>Whether it is more than twice what the last two forwards needed both: a single large one leaves nothing behind, and large
    /// ones that follow each other allocate nothing.</summary>
    public bool IsOversized => Bytes > Math.Max(Slack, 2 * Math.Min(_needed, _neededBefore));

    /// <exception cref="ForwardException">The host has no more page-locked memory.</exception>
    public void Ensure(ulong bytes)
    {
        (_neededBefore, _needed) = (_needed, bytes);
        if (bytes <= Bytes)
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

    /// <summary>Gives back what forwards do not need; nothing of a forward is in it any longer.</summary>
    public void Trim()
    {
        if (IsOversized)
        {
            _buffer!.Dispose();
            _buffer = null;
        }
    }

    /// <summary>Bytes that a part takes, so that the next one starts on a cache line of its own.</summary>
    public static ulong Padded(ulong bytes) => ByteAlignment.Up(bytes, 64UL);

    public nint AddressAt(ulong offset) => _buffer!.Pointer.Address + (nint)offset;

    /// <summary>A view of a part, which is no larger than an array can be; valid until the next <see cref="Ensure"/>.</summary>
    public Span<byte> At(ulong offset, int bytes) => _buffer is null ? [] : _buffer.Part(offset, bytes);

    public void Dispose() => _buffer?.Dispose();
}
