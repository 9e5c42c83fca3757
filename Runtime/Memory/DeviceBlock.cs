using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>A piece of one device's memory that is lent out whole and comes back; its address stays the same while it is lent.</summary>
/// <remarks>
/// The generation counts how often it came back, so that a view kept too long is recognized.
/// <b>Owns</b> nothing itself: the allocator owns the memory. <b>Thread</b> any; the allocator's lock guards lending. <b>Blocks</b> in
/// <see cref="Return"/>, where much has come back after its stream.
/// </remarks>
internal sealed class DeviceBlock
{
    /// <summary>Through which it was lent last.</summary>
    public BlockPool Pool { get; internal set; } = null!;

    public DevicePointer Pointer { get; private set; }

    /// <summary>Bytes that were asked for.</summary>
    public ulong Bytes { get; internal set; }

    public int Ordinal => Pool.Ordinal;

    /// <summary>Changes when the block comes back to its pool, and when a pre-allocated set overwrites it.</summary>
    public int Generation { get; internal set; }

    /// <summary>A pre-allocated set keeps it: giving a view of it back does nothing.</summary>
    public bool IsKept { get; internal set; }

    /// <summary>The stream whose order covers every use of the block since it was lent; null where the host has seen each use end before
    /// the block comes back.</summary>
    public DeviceStream? Stream { get; internal set; }

    /// <summary>It was lent for work on whatever stream.</summary>
    internal bool IsReserved { get; set; }

    /// <summary>The allocation it is a piece of.</summary>
    internal Slab Slab { get; private set; } = null!;

    /// <summary>From the start of the slab.</summary>
    internal ulong Offset { get; private set; }

    /// <summary>Bytes it takes of the slab.</summary>
    internal ulong Capacity { get; set; }

    /// <summary>The pieces beside it.</summary>
    internal DeviceBlock? Before { get; set; }

    internal DeviceBlock? After { get; set; }

    internal bool IsIdle { get; set; }

    /// <summary>What has to be over before another stream may use it; null where nothing has.</summary>
    internal LastUse? LastUse { get; set; }

    /// <summary>The driver has not been told yet that it came back: its stream was gone.</summary>
    internal bool IsReturnUntold { get; set; }

    /// <summary>Gives it back; uses already enqueued on <see cref="Stream"/> may still run. A second time does nothing.</summary>
    public void Return(int generation) => Pool.Return(this, generation);

    internal void Place(Slab slab, ulong offset, ulong capacity)
    {
        Slab = slab;
        Offset = offset;
        Capacity = capacity;
        Pointer = slab.Start + offset;
    }
}
