using System.Buffers;
using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Memory;

/// <summary>A block of a <see cref="HostMemory"/>, idle or kept by leases.</summary>
/// <remarks><b>Owns</b> its region. <b>Thread</b> any; whoever has a lease of it orders the accesses.</remarks>
internal sealed unsafe class HostBlock(HostMemory owner, int size, IHostRegion region) : ITensorBlock
{
    private int _leases;
    private HostBudget? _budget;

    /// <summary>The number of its size.</summary>
    public int Size => size;

    public long Bytes { get; } = HostBlockSize.Bytes(size);

    /// <summary>All of them where they are page-locked, otherwise none.</summary>
    public long PinnedBytes => region is PinnedRegion ? Bytes : 0;

    /// <summary>The first lease, of its first bytes.</summary>
    /// <param name="budget">Whose it is until the last lease is over; null: nobody's.</param>
    public TensorLease Lend(int length, HostBudget? budget)
    {
        (_leases, _budget) = (1, budget);
        return new TensorLease(this, 0, length);
    }

    public Span<byte> Part(int offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)offset + length, Bytes);

        // SAFETY: the part lies inside the region, which lives as long as this block; a lease keeps the block.
        return new Span<byte>((byte*)region.Address + offset, length);
    }

    // SAFETY: the region does not move, and the lease that asks keeps it.
    public MemoryHandle Pin(int offset) => new((byte*)region.Address + offset);

    public void Keep()
    {
        owner.CountLease();
        Interlocked.Increment(ref _leases);
    }

    public void Return()
    {
        owner.EndLease();
        if (Interlocked.Decrement(ref _leases) == 0)
        {
            _budget?.Return(Bytes);
            _budget = null;
            owner.TakeBack(this);
        }
    }

    public void ReturnForgotten() => owner.NoteForgotten(this);

    public void Free() => region.Dispose();
}
