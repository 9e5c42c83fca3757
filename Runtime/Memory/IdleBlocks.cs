using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>The idle blocks of one device by size: finds, splits and joins them. It knows no driver but the events of last uses.</summary>
/// <remarks><b>Owns</b> the objects of blocks that are no pieces now. <b>Thread</b> under the allocator's lock. <b>Blocks</b> never.
/// Allocates nothing in steady state.</remarks>
internal sealed class IdleBlocks(LastUses uses)
{
    /// <summary>Of every block and of what is left where one is split.</summary>
    public const ulong Granule = 512;

    /// <summary>Smallest first; of equal ones that which came back last.</summary>
    private readonly List<DeviceBlock> _bySize = [];
    private readonly Stack<DeviceBlock> _unused = new();

    public IReadOnlyList<DeviceBlock> All => _bySize;

    /// <summary>A block over the whole of a slab, which is idle.</summary>
    public void Add(Slab slab)
    {
        DeviceBlock block = NewBlock();
        block.Place(slab, 0, slab.Bytes);
        slab.First = block;
        Add(block);
    }

    public void Add(DeviceBlock block)
    {
        block.IsIdle = true;
        _bySize.Insert(LowerBound(block.Capacity), block);
    }

    /// <summary>The smallest block that was last used on this stream.</summary>
    public DeviceBlock? FindOwn(ulong size, DeviceStream? stream)
    {
        for (int index = stream is null ? _bySize.Count : LowerBound(size); index < _bySize.Count; index++)
        {
            if (ReferenceEquals(_bySize[index].LastUse?.Stream, stream))
            {
                return _bySize[index];
            }
        }

        return null;
    }

    /// <summary>The smallest block whose last use is over.</summary>
    public DeviceBlock? FindOver(ulong size)
    {
        for (int index = LowerBound(size); index < _bySize.Count; index++)
        {
            if (IsOver(_bySize[index]))
            {
                return _bySize[index];
            }
        }

        return null;
    }

    /// <summary>The first of the fewest bytes of idle neighbours that make up a size together, each of which can be waited for; null where
    /// there are none.</summary>
    public DeviceBlock? FindRun(ulong size)
    {
        DeviceBlock? best = null;
        ulong least = ulong.MaxValue;
        foreach (DeviceBlock block in _bySize)
        {
            ulong bytes = RunFrom(block, size);
            if (bytes >= size && bytes < least)
            {
                (best, least) = (block, bytes);
            }
        }

        return best;
    }

    /// <summary>Joins idle neighbours where one last use covers both; false where there were none.</summary>
    public bool Join(List<Slab> slabs)
    {
        bool any = false;
        foreach (DeviceBlock idle in _bySize)
        {
            IsOver(idle);
        }

        foreach (Slab slab in slabs)
        {
            DeviceBlock block = slab.First;
            while (block.After is { } next)
            {
                if (block.IsIdle && next.IsIdle && CoveringBoth(block, next, out LastUse? use))
                {
                    Merge(block, next, use);
                    any = true;
                }
                else
                {
                    block = next;
                }
            }
        }

        return any;
    }

    /// <summary>The last uses of a run of neighbours up to a size.</summary>
    public static LastUse[] UsesOf(DeviceBlock first, ulong size)
    {
        var found = new List<LastUse>();
        ulong bytes = 0;
        for (DeviceBlock block = first; bytes < size; block = block.After!)
        {
            bytes += block.Capacity;
            if (block.LastUse is { } use)
            {
                found.Add(use);
            }
        }

        return [.. found];
    }

    /// <summary>Puts a stream behind the last uses of a run of neighbours up to a size, and joins them.</summary>
    public DeviceBlock PutBehind(DeviceBlock first, ulong size, DeviceStream stream)
    {
        foreach (LastUse use in UsesOf(first, size))
        {
            stream.WaitFor(use.Event);
        }

        // What the size leaves over is a part of the last one, which that one's work may still use.
        while (first.Capacity < size)
        {
            Merge(first, first.After!, first.After!.LastUse);
        }

        return first;
    }

    /// <summary>Takes an idle block out; what it has too much stays idle behind it, under the same last use.</summary>
    public void Take(DeviceBlock block, ulong size)
    {
        Remove(block);
        block.IsIdle = false;
        if (!block.Slab.IsWhole && block.Capacity - size >= Granule)
        {
            DeviceBlock rest = NewBlock();
            rest.Place(block.Slab, block.Offset + size, block.Capacity - size);
            rest.LastUse = LastUses.Hold(block.LastUse);
            (rest.Before, rest.After) = (block, block.After);
            if (block.After is { } next)
            {
                next.Before = rest;
            }

            block.After = rest;
            block.Capacity = size;
            Add(rest);
        }

        uses.LetGo(block.LastUse);
        block.LastUse = null;
    }

    /// <summary>An idle block ends with its slab.</summary>
    public void Forget(DeviceBlock block)
    {
        Remove(block);
        Retire(block);
    }

    /// <summary>Whether nothing uses the block any more.</summary>
    public bool IsOver(DeviceBlock block)
    {
        if (block.LastUse is not { } use)
        {
            return true;
        }

        if (!use.IsOver)
        {
            return false;
        }

        uses.LetGo(use);
        block.LastUse = null;
        return true;
    }

    private static ulong RunFrom(DeviceBlock first, ulong size)
    {
        ulong bytes = 0;
        for (DeviceBlock? block = first; block is { IsIdle: true } && bytes < size; block = block.After)
        {
            if (block.LastUse is { } use && !use.TryMark())
            {
                return 0;
            }

            bytes += block.Capacity;
        }

        return bytes;
    }

    /// <summary>The last use behind which two neighbours are free, null where they are now; false where it takes two.</summary>
    private bool CoveringBoth(DeviceBlock block, DeviceBlock next, out LastUse? use)
    {
        bool isOver = IsOver(block),
            isNextOver = IsOver(next);
        use = block.LastUse;
        if (isOver || isNextOver)
        {
            return isOver && isNextOver;
        }

        if (next.LastUse!.Sequence > use!.Sequence)
        {
            use = next.LastUse;
        }

        return use.IsMarked && ReferenceEquals(block.LastUse!.Stream, next.LastUse.Stream);
    }

    /// <summary>Makes a block the larger by its neighbour, which ends.</summary>
    private void Merge(DeviceBlock block, DeviceBlock next, LastUse? use)
    {
        LastUses.Hold(use);
        Remove(block);
        Remove(next);
        uses.LetGo(block.LastUse);
        block.LastUse = use;
        block.Capacity += next.Capacity;
        block.After = next.After;
        if (next.After is { } behind)
        {
            behind.Before = block;
        }

        Retire(next);
        Add(block);
    }

    private void Remove(DeviceBlock block)
    {
        int index = LowerBound(block.Capacity);
        while (!ReferenceEquals(_bySize[index], block))
        {
            index++;
        }

        _bySize.RemoveAt(index);
    }

    private int LowerBound(ulong size)
    {
        int low = 0,
            high = _bySize.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            (low, high) = _bySize[middle].Capacity < size ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private DeviceBlock NewBlock() => _unused.TryPop(out DeviceBlock? block) ? block : new DeviceBlock();

    /// <summary>The object waits for another piece; views of what it was are stale by its generation.</summary>
    private void Retire(DeviceBlock block)
    {
        uses.LetGo(block.LastUse);
        block.LastUse = null;
        block.Before = block.After = null;
        block.IsIdle = false;
        block.Stream = null;
        _unused.Push(block);
    }
}
