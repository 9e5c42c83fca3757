namespace Troupe.Runtime.Cuda;

/// <summary>A stream-ordered memory pool: an owned one, or a view of the device's default pool.</summary>
/// <remarks><b>Owns</b> the pool it created; holds its context alive. <b>Thread</b> any. <b>Blocks</b> never for long.</remarks>
internal sealed class MemoryPool : OwnedHandle<CuMemPool>
{
    private readonly bool _isOwned;

    private MemoryPool(DeviceContext context, CuMemPool handle, bool isOwned)
        : base(context, handle)
    {
        context.Hold();
        _isOwned = isOwned;
    }

    /// <summary>Bytes the pool keeps from the device when nothing uses them, until the next synchronization returns what exceeds
    /// it.</summary>
    public ulong ReleaseThreshold
    {
        get => Get(CuMemPoolAttribute.ReleaseThreshold);
        set => Driver.MemPoolSetAttribute(Handle, CuMemPoolAttribute.ReleaseThreshold, value).ThrowIfFailed();
    }

    /// <summary>Makes a pool of its own.</summary>
    /// <param name="context">Device the memory comes from.</param>
    /// <param name="maxBytes">Most bytes it reserves; 0 for no limit.</param>
    public static MemoryPool Create(DeviceContext context, ulong maxBytes = 0)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.ThrowIfFaulted();
        context.Driver.MemPoolCreate(out CuMemPool handle, context.Device, maxBytes).ThrowIfFailed();
        return new MemoryPool(context, handle, isOwned: true);
    }

    /// <summary>The device's default pool; disposing this view leaves it alone.</summary>
    public static MemoryPool Default(DeviceContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Driver.DeviceGetDefaultMemPool(out CuMemPool handle, context.Device).ThrowIfFailed();
        return new MemoryPool(context, handle, isOwned: false);
    }

    public void TrimTo(ulong bytesToKeep) => Driver.MemPoolTrimTo(Handle, bytesToKeep).ThrowIfFailed();

    private protected override void GiveBack(CuMemPool handle)
    {
        if (_isOwned)
        {
            Context.Record(Driver.MemPoolDestroy(handle), nameof(Driver.MemPoolDestroy));
        }
    }

    private ulong Get(CuMemPoolAttribute attribute)
    {
        Driver.MemPoolGetAttribute(Handle, attribute, out ulong value).ThrowIfFailed();
        return value;
    }
}
