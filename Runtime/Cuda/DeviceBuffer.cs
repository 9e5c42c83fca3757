namespace Troupe.Runtime.Cuda;

/// <summary>An owned range of device memory, plain or stream-ordered.</summary>
/// <remarks>
/// <b>Owns</b> the range; holds its context alive. <b>Thread</b> any. <b>Blocks</b> when plain memory is freed: the driver may wait for the
/// device.
/// A stream-ordered range is freed in the order of the stream given to <see cref="FreeOn"/>, or of the one it was allocated on.
/// </remarks>
internal sealed class DeviceBuffer : IDisposable
{
    private readonly DeviceStream? _stream;
    private readonly DevicePointer _pointer;
    private int _isDisposed;

    private DeviceBuffer(DeviceContext context, DeviceStream? stream, DevicePointer pointer, ulong byteCount)
    {
        Context = context;
        _stream = stream;
        _pointer = pointer;
        ByteCount = byteCount;
    }

    public DeviceContext Context { get; }

    public ulong ByteCount { get; }

    public DevicePointer Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            return _pointer;
        }
    }

    /// <summary>Allocates plain device memory.</summary>
    /// <exception cref="CudaException"><see cref="CuResult.OutOfMemory"/> when the device has not enough.</exception>
    public static DeviceBuffer Allocate(DeviceContext context, ulong byteCount)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.ThrowIfFaulted();
        context.Hold();
        try
        {
            using ContextEntry entry = context.Enter();
            context.Driver.MemAlloc(out DevicePointer pointer, byteCount).ThrowIfFailed();
            return new DeviceBuffer(context, null, pointer, byteCount);
        }
        catch
        {
            context.LetGo();
            throw;
        }
    }

    /// <summary>Allocates in the order of a stream, from a pool or from the device's default pool.</summary>
    public static DeviceBuffer Allocate(DeviceStream stream, ulong byteCount, MemoryPool? pool = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        DeviceContext context = stream.Context;
        context.ThrowIfFaulted();
        context.Hold();
        try
        {
            using ContextEntry entry = context.Enter();
            DevicePointer pointer;
            if (pool is null)
            {
                context.Driver.MemAllocAsync(out pointer, byteCount, stream.Handle).ThrowIfFailed();
            }
            else
            {
                context.Driver.MemAllocFromPoolAsync(out pointer, byteCount, pool.Handle, stream.Handle).ThrowIfFailed();
            }

            return new DeviceBuffer(context, stream, pointer, byteCount);
        }
        catch
        {
            context.LetGo();
            throw;
        }
    }

    /// <summary>Frees in the order of a stream, for ranges whose last use is there.</summary>
    public void FreeOn(DeviceStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        Free(stream.Handle);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        Free(_stream is null || _stream.IsDisposed ? default : _stream.Handle);
    }

    private void Free(CuStream stream)
    {
        ICudaDriver driver = Context.Driver;
        CuResult entered = driver.CtxPushCurrent(Context.Handle);
        if (entered != CuResult.Success)
        {
            Context.Record(entered, nameof(driver.CtxPushCurrent));
        }
        else
        {
            if (stream.IsNull)
            {
                Context.Record(driver.MemFree(_pointer), nameof(driver.MemFree));
            }
            else
            {
                Context.Record(driver.MemFreeAsync(_pointer, stream), nameof(driver.MemFreeAsync));
            }

            Context.Record(driver.CtxPopCurrent(out _), nameof(driver.CtxPopCurrent));
        }

        Context.LetGo();
    }
}
