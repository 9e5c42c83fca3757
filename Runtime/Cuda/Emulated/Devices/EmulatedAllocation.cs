namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>One range of emulated device memory: its synthetic address, the host bytes behind it, and whether it may be used.</summary>
/// <remarks><b>Owns</b> the host bytes through <see cref="EmulatedDevice"/>. <b>Thread</b> any; state changes happen under the
/// device's lock. <b>Blocks</b> never.</remarks>
internal sealed unsafe class EmulatedAllocation
{
    private int _isFreeRequested;
    private EmulatedPieces? _pieces;

    public required EmulatedDevice Device { get; init; }

    /// <summary>The context that allocated it.</summary>
    public required EmulatedCudaContext Context { get; init; }

    public required ulong Address { get; init; }

    /// <summary>Bytes reserved from the device.</summary>
    public required ulong Capacity { get; init; }

    /// <summary>Bytes asked for; an access beyond them is illegal.</summary>
    public required ulong Size { get; init; }

    /// <summary>The host bytes, null once they were given back.</summary>
    public byte* Bytes { get; set; }

    /// <summary>True between allocation and the moment its free takes effect.</summary>
    public bool IsLive { get; set; }

    /// <summary>True once a free was asked for, also while that one waits for the device's work.</summary>
    public bool IsFreeRequested
    {
        get => Volatile.Read(ref _isFreeRequested) != 0;
        set => Volatile.Write(ref _isFreeRequested, value ? 1 : 0);
    }

    public DevicePointer Pointer => new(Address);

    /// <summary>The pieces that its owner lends; who asks divides it.</summary>
    public EmulatedPieces Pieces => _pieces ?? Interlocked.CompareExchange(ref _pieces, new EmulatedPieces(), null) ?? _pieces!;

    /// <summary>Whether work may touch bytes of it when it runs: where it is divided, inside one piece that is lent.</summary>
    public bool MayTouch(ulong address, ulong byteCount) =>
        Contains(address, byteCount) && (Volatile.Read(ref _pieces) is not { } pieces || pieces.Covers(address, byteCount));

    /// <summary>The first free of a range wins; any other is a double free.</summary>
    public bool TryClaimFree() => Interlocked.Exchange(ref _isFreeRequested, 1) == 0;

    public bool Contains(ulong address, ulong byteCount)
    {
        ulong offset = address - Address;
        return offset <= Size && byteCount <= Size - offset;
    }
}
