using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>One allocation of the driver, divided into blocks that lie one behind the other.</summary>
/// <remarks><b>Owns</b> the allocation. <b>Thread</b> under the allocator's lock. <b>Blocks</b> where it is disposed: the driver may wait
/// for the device.</remarks>
/// <param name="isWhole">It is lent as one block only, and goes back to the driver with it.</param>
internal sealed class Slab(DeviceBuffer buffer, bool isWhole) : IDisposable
{
    public DevicePointer Start { get; } = buffer.Pointer;

    public ulong Bytes { get; } = buffer.ByteCount;

    public bool IsWhole => isWhole;

    public DeviceBlock First { get; set; } = null!;

    /// <summary>When a block of it was lent last, in blocks lent by the allocator.</summary>
    public long LentAt { get; set; }

    /// <summary>Nothing of it is lent, and no use of it is in flight.</summary>
    public bool IsFree => First is { IsIdle: true, After: null, LastUse: null };

    public void Dispose() => buffer.Dispose();
}
