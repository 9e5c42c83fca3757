namespace Troupe.Runtime.Cuda;

/// <summary>An owned range of page-locked host memory: copies from and to it run while the host goes on.</summary>
/// <remarks><b>Owns</b> the range; holds its context alive. <b>Thread</b> any. <b>Blocks</b> when freed: the driver may wait for the
/// device.</remarks>
internal sealed unsafe class PinnedBuffer : OwnedHandle<HostPointer>
{
    private PinnedBuffer(DeviceContext context, HostPointer pointer, ulong byteCount)
        : base(context, pointer)
    {
        ByteCount = byteCount;
    }

    public ulong ByteCount { get; }

    public HostPointer Pointer => Handle;

    /// <summary>A part of the bytes; the whole may be larger than a span. Valid until disposed; the caller orders its accesses with the
    /// device's.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie inside.</exception>
    public Span<byte> Part(ulong offset, int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ByteCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)bytes, ByteCount - offset, nameof(bytes));

        // SAFETY: the pointer was handed out by the driver for ByteCount bytes and lives until Dispose, which Pointer checks.
        return new((byte*)Pointer.Address + offset, bytes);
    }

    public static PinnedBuffer Allocate(DeviceContext context, ulong byteCount, CuMemHostAllocFlags flags = CuMemHostAllocFlags.Portable)
    {
        using var creation = new HandleCreation(context);
        context.Driver.MemHostAlloc(out HostPointer pointer, byteCount, flags).ThrowIfFailed();
        return creation.Keep(new PinnedBuffer(context, pointer, byteCount));
    }

    private protected override void GiveBack(HostPointer pointer)
    {
        if (TryEnter())
        {
            Context.Record(Driver.MemFreeHost(pointer), nameof(Driver.MemFreeHost));
            Leave();
        }
    }
}
