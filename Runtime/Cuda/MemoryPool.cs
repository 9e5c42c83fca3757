namespace Troupe.Runtime.Cuda;

/// <summary>A stream-ordered memory pool: an owned one, or a view of the device's default pool.</summary>
/// <remarks><b>Owns</b> the pool it created; holds its context alive. <b>Thread</b> any. <b>Blocks</b> never for long.</remarks>
internal sealed class MemoryPool : IDisposable
{
    private readonly CuMemPool _handle;
    private readonly bool _isOwned;
    private int _isDisposed;

    private MemoryPool(DeviceContext context, CuMemPool handle, bool isOwned)
    {
        Context = context;
        _handle = handle;
        _isOwned = isOwned;
    }

    public DeviceContext Context { get; }

    public CuMemPool Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            return _handle;
        }
    }

    /// <summary>Bytes the pool keeps from the device when nothing uses them, until the next synchronization returns what exceeds
    /// it.</summary>
    public ulong ReleaseThreshold
    {
        get => Get(CuMemPoolAttribute.ReleaseThreshold);
        set => Context.Driver.MemPoolSetAttribute(Handle, CuMemPoolAttribute.ReleaseThreshold, value).ThrowIfFailed();
    }

    public ulong ReservedBytes => Get(CuMemPoolAttribute.ReservedMemCurrent);

    public ulong UsedBytes => Get(CuMemPoolAttribute.UsedMemCurrent);

    /// <summary>Makes a pool of its own.</summary>
    /// <param name="context">Device the memory comes from.</param>
    /// <param name="maxBytes">Most bytes it reserves; 0 for no limit.</param>
    public static MemoryPool Create(DeviceContext context, ulong maxBytes = 0)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.ThrowIfFaulted();
        context.Driver.MemPoolCreate(out CuMemPool handle, context.Device, maxBytes).ThrowIfFailed();
        context.Hold();
        return new MemoryPool(context, handle, isOwned: true);
    }

    /// <summary>The device's default pool; disposing this view leaves it alone.</summary>
    public static MemoryPool Default(DeviceContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Driver.DeviceGetDefaultMemPool(out CuMemPool handle, context.Device).ThrowIfFailed();
        context.Hold();
        return new MemoryPool(context, handle, isOwned: false);
    }

    public void TrimTo(ulong bytesToKeep) => Context.Driver.MemPoolTrimTo(Handle, bytesToKeep).ThrowIfFailed();

    /// <summary>Lets kernels of another device reach this pool's memory.</summary>
    public void AllowAccess(CuDevice device, CuMemAccess access) => Context.Driver.MemPoolSetAccess(Handle, device, access).ThrowIfFailed();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        if (_isOwned)
        {
            Context.Record(Context.Driver.MemPoolDestroy(_handle), nameof(Context.Driver.MemPoolDestroy));
        }

        Context.LetGo();
    }

    private ulong Get(CuMemPoolAttribute attribute)
    {
        Context.Driver.MemPoolGetAttribute(Handle, attribute, out ulong value).ThrowIfFailed();
        return value;
    }
}
