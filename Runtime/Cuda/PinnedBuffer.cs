namespace Troupe.Runtime.Cuda;

/// <summary>An owned range of page-locked host memory: copies from and to it run while the host goes on.</summary>
/// <remarks><b>Owns</b> the range; holds its context alive. <b>Thread</b> any. <b>Blocks</b> when freed: the driver may wait for the
/// device.</remarks>
internal sealed unsafe class PinnedBuffer : IDisposable
{
    private readonly HostPointer _pointer;
    private int _isDisposed;

    private PinnedBuffer(DeviceContext context, HostPointer pointer, ulong byteCount)
    {
        Context = context;
        _pointer = pointer;
        ByteCount = byteCount;
    }

    public DeviceContext Context { get; }

    public ulong ByteCount { get; }

    public HostPointer Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            return _pointer;
        }
    }

    /// <summary>The bytes. Valid until disposed; the caller orders its accesses with the device's.</summary>
    /// <exception cref="OverflowException">The range is larger than a span can be.</exception>
    // SAFETY: the pointer was handed out by the driver for ByteCount bytes and lives until Dispose, which Pointer checks.
    public Span<byte> Span => new((void*)Pointer.Address, checked((int)ByteCount));

    public static PinnedBuffer Allocate(DeviceContext context, ulong byteCount, CuMemHostAllocFlags flags = CuMemHostAllocFlags.Portable)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.ThrowIfFaulted();
        context.Hold();
        try
        {
            using ContextEntry entry = context.Enter();
            context.Driver.MemHostAlloc(out HostPointer pointer, byteCount, flags).ThrowIfFailed();
            return new PinnedBuffer(context, pointer, byteCount);
        }
        catch
        {
            context.LetGo();
            throw;
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        ICudaDriver driver = Context.Driver;
        CuResult entered = driver.CtxPushCurrent(Context.Handle);
        Context.Record(entered, nameof(driver.CtxPushCurrent));
        if (entered == CuResult.Success)
        {
            Context.Record(driver.MemFreeHost(_pointer), nameof(driver.MemFreeHost));
            Context.Record(driver.CtxPopCurrent(out _), nameof(driver.CtxPopCurrent));
        }

        Context.LetGo();
    }
}
