using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>A piece of one device's memory that is lent out whole and comes back; its address stays the same for life.</summary>
/// <remarks>
/// The generation counts how often it came back, so that a view kept too long is recognized.
/// <b>Owns</b> nothing itself: the pool owns the memory. <b>Thread</b> any; the pool's lock guards lending. <b>Blocks</b> never.
/// </remarks>
internal sealed class DeviceBlock(BlockPool pool, DeviceBuffer buffer)
{
    public BlockPool Pool { get; } = pool;

    public DevicePointer Pointer { get; } = buffer.Pointer;

    /// <summary>Bytes it really has; whoever borrowed it asked for at most as many.</summary>
    public ulong Bytes => buffer.ByteCount;

    public int Ordinal => Pool.Ordinal;

    /// <summary>Changes when the block comes back to its pool, and when a pre-allocated set overwrites it.</summary>
    public int Generation { get; internal set; }

    /// <summary>A pre-allocated set keeps it: giving a view of it back does nothing.</summary>
    public bool IsKept { get; internal set; }

    /// <summary>The stream whose order covers every use of the block since it was lent.</summary>
    public DeviceStream? Stream { get; internal set; }

    /// <summary>Gives it back; uses already enqueued on <see cref="Stream"/> may still run. A second time does nothing.</summary>
    public void Return(int generation) => Pool.Return(this, generation);

    internal void Free() => buffer.Dispose();
}
