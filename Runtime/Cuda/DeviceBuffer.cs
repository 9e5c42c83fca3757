namespace Troupe.Runtime.Cuda;

/// <summary>An owned range of device memory.</summary>
/// <remarks><b>Owns</b> the range; holds its context alive. <b>Thread</b> any. <b>Blocks</b> when it is freed: the driver may wait for the
/// device.</remarks>
internal sealed class DeviceBuffer : OwnedHandle<DevicePointer>
{
    private DeviceBuffer(DeviceContext context, DevicePointer pointer, ulong byteCount)
        : base(context, pointer) => ByteCount = byteCount;

    public ulong ByteCount { get; }

    public DevicePointer Pointer => Handle;

    /// <exception cref="CudaException"><see cref="CuResult.OutOfMemory"/> when the device has not enough.</exception>
    public static DeviceBuffer Allocate(DeviceContext context, ulong byteCount)
    {
        using var creation = new HandleCreation(context);
        context.Driver.MemAlloc(out DevicePointer pointer, byteCount).ThrowIfFailed();
        return creation.Keep(new DeviceBuffer(context, pointer, byteCount));
    }

    private protected override void GiveBack(DevicePointer pointer)
    {
        if (TryEnter())
        {
            Context.Record(Driver.MemFree(pointer), nameof(Driver.MemFree));
            Leave();
        }
    }
}
