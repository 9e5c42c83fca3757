using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>The allocations of one device: made with room for more, freed oldest first, so that idle memory stays bounded by what is ever
/// lent at one time.</summary>
/// <remarks><b>Owns</b> the slabs. <b>Thread</b> under the allocator's lock. <b>Blocks</b> where it frees: the driver may wait for the
/// device.</remarks>
internal sealed class Slabs(DeviceContext device, MemoryAccount account, IdleBlocks idle)
{
    private readonly List<Slab> _all = [];

    /// <summary>Bytes of slabs that are divided, those of them that are lent, and the most that were, or were in flight still.</summary>
    private ulong _divided;
    private ulong _lent;
    private ulong _mostLent;

    /// <summary>Something may be idle now that was not when idle slabs were last freed for want of a bound.</summary>
    private bool _mayBeIdle;

    /// <summary>A slab has room for more blocks, up to this: one that is large for its device is pinned by few.</summary>
    public ulong MostAhead { get; } = Math.Min(32UL << 20, account.Budget / 64);

    /// <summary>A slab can go back to the driver: nothing of it is lent or in flight.</summary>
    public bool HasFree => _all.Exists(static slab => slab.IsFree);

    public IEnumerable<DeviceBlock> Blocks
    {
        get
        {
            foreach (Slab slab in _all)
            {
                for (DeviceBlock? block = slab.First; block is not null; block = block.After)
                {
                    yield return block;
                }
            }
        }
    }

    /// <summary>Bytes that slabs may have: one and a half for each one that was lent at one time.</summary>
    private ulong Most => _mostLent + (_mostLent / 2);

    private ulong InFlight
    {
        get
        {
            ulong bytes = 0;
            foreach (DeviceBlock block in idle.All)
            {
                bytes += block.LastUse is null ? 0 : block.Capacity;
            }

            return bytes;
        }
    }

    public void CountLent(DeviceBlock block)
    {
        if (!block.Slab.IsWhole)
        {
            _lent += block.Capacity;
            _mostLent = Math.Max(_mostLent, _lent);
        }
    }

    public void CountReturned(DeviceBlock block)
    {
        _lent -= block.Slab.IsWhole ? 0 : block.Capacity;
        _mayBeIdle = true;
    }

    /// <summary>What was lent at one time before says nothing about what will be, but for slabs that cannot go.</summary>
    public void ForgetMost()
    {
        ulong kept = 0;
        foreach (Slab slab in _all)
        {
            kept += slab.IsWhole || slab.IsFree ? 0 : slab.Bytes;
        }

        _mostLent = Math.Max(_lent, ((kept * 2) + 2) / 3);
    }

    /// <inheritdoc cref="IdleBlocks.Join"/>
    public bool Join() => idle.Join(_all);

    /// <summary>A slab that a block of this size fits; null where the driver has no more memory.</summary>
    public Slab? TryMake(ulong size, bool isWhole)
    {
        ulong bytes = size;
        if (!isWhole)
        {
            // What is in flight is as little to be had as what is lent: two lanes that overlap need both.
            _mostLent = Math.Max(_mostLent, _lent + InFlight + size);
            ulong ahead = Specs.ByteAlignment.Up(Math.Max(size, Math.Min(_mostLent / 4, MostAhead)), IdleBlocks.Granule);
            if (_divided + ahead > Most)
            {
                FreeDownTo(Most - size);
            }

            bytes = _divided + ahead <= Most && account.Admits(ahead) ? ahead : size;
        }

        return TryAllocate(bytes, isWhole) ?? (bytes > size ? TryAllocate(size, isWhole) : null);
    }

    /// <summary>After slabs were made for want of a better place: frees the oldest, as far as they can be.</summary>
    public void KeepIdleBounded()
    {
        if (_divided > Most && _mayBeIdle)
        {
            _mayBeIdle = false;
            Join();
            FreeDownTo(Most);
        }
    }

    /// <summary>Frees idle slabs, oldest first, until the budget admits a size; one at least.</summary>
    public void FreeFor(ulong size)
    {
        do
        {
            Slab oldest = OldestFree()!;
            account.Reclaim(oldest.Bytes);
            Free(oldest);
        } while (!account.Admits(size) && HasFree);
    }

    /// <summary>Frees every slab that is idle.</summary>
    public void FreeIdle()
    {
        Join();
        FreeDownTo(0);
    }

    /// <summary>Gives a slab back to the driver; it is idle.</summary>
    public void Free(Slab slab)
    {
        for (DeviceBlock? block = slab.First, next; block is not null; block = next)
        {
            next = block.After;
            idle.Forget(block);
        }

        _all.Remove(slab);
        _divided -= slab.IsWhole ? 0 : slab.Bytes;
        account.Free(slab.Bytes);
        slab.Dispose();
    }

    /// <summary>Gives everything back to the driver; nothing is lent.</summary>
    public void FreeAll()
    {
        while (_all.Count > 0)
        {
            Free(_all[^1]);
        }
    }

    private void FreeDownTo(ulong bytes)
    {
        while (_divided > bytes && OldestFree() is { } oldest)
        {
            Free(oldest);
        }
    }

    private Slab? OldestFree()
    {
        Slab? oldest = null;
        foreach (Slab slab in _all)
        {
            if (slab.IsFree && (oldest is null || slab.LentAt < oldest.LentAt))
            {
                oldest = slab;
            }
        }

        return oldest;
    }

    private Slab? TryAllocate(ulong bytes, bool isWhole)
    {
        DeviceBuffer buffer;
        try
        {
            buffer = DeviceBuffer.Allocate(device, bytes);
        }
        catch (CudaException trouble) when (trouble.Status == CuResult.OutOfMemory)
        {
            return null;
        }

        var slab = new Slab(buffer, isWhole);
        _all.Add(slab);
        _divided += isWhole ? 0 : bytes;
        account.Reserve(bytes);
        idle.Add(slab);
        return slab;
    }
}
