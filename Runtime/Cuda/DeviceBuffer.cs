namespace Troupe.Runtime.Cuda;

/// <summary>An owned range of device memory, plain or stream-ordered.</summary>
/// <remarks>
/// <b>Owns</b> the range; holds its context alive. <b>Thread</b> any. <b>Blocks</b> when plain memory is freed: the driver may wait for the
/// device.
/// A stream-ordered range is freed in the order of the stream that it was allocated on.
/// </remarks>
internal sealed class DeviceBuffer : OwnedHandle<DevicePointer>
{
    private readonly DeviceStream? _stream;

    private DeviceBuffer(DeviceContext context, DeviceStream? stream, DevicePointer pointer, ulong byteCount)
        : base(context, pointer)
    {
        _stream = stream;
        ByteCount = byteCount;
    }

    public ulong ByteCount { get; }

    public DevicePointer Pointer => Handle;

    /// <summary>Allocates plain device memory.</summary>
    /// <exception cref="CudaException"><see cref="CuResult.OutOfMemory"/> when the device has not enough.</exception>
    public static DeviceBuffer Allocate(DeviceContext context, ulong byteCount)
    {
        using var creation = new HandleCreation(context);
        context.Driver.MemAlloc(out DevicePointer pointer, byteCount).ThrowIfFailed();
        return creation.Keep(new DeviceBuffer(context, null, pointer, byteCount));
    }

    /// <summary>Allocates in the order of a stream, from a pool or from the device's default pool.</summary>
    public static DeviceBuffer Allocate(DeviceStream stream, ulong byteCount, MemoryPool? pool = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        DeviceContext context = stream.Context;
        using var creation = new HandleCreation(context);
        DevicePointer pointer;
        if (pool is null)
        {
            context.Driver.MemAllocAsync(out pointer, byteCount, stream.Handle).ThrowIfFailed();
        }
        else
        {
            context.Driver.MemAllocFromPoolAsync(out pointer, byteCount, pool.Handle, stream.Handle).ThrowIfFailed();
        }

        return creation.Keep(new DeviceBuffer(context, stream, pointer, byteCount));
    }

    private protected override void GiveBack(DevicePointer pointer) =>
        Free(pointer, _stream is null || _stream.IsDisposed ? default : _stream.Handle);

    private void Free(DevicePointer pointer, CuStream stream)
    {
        if (!TryEnter())
        {
            return;
        }

        if (stream.IsNull)
        {
            Context.Record(Driver.MemFree(pointer), nameof(Driver.MemFree));
        }
        else
        {
            Context.Record(Driver.MemFreeAsync(pointer, stream), nameof(Driver.MemFreeAsync));
        }

        Leave();
    }
}
