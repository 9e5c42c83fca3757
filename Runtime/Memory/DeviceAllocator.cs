using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>The one owner of a device's memory in this process: whatever lanes, recordings and engines use is a block of it, lent and
/// taken back, so that forwards in steady state allocate nothing.</summary>
/// <remarks>
/// Blocks are pieces of larger allocations, split and joined as sizes ask for it. <see cref="BlockSearch"/> finds the next one. Idle memory
/// is bounded: a new allocation that brings it above one and a half times the most that was ever lent replaces idle ones.
/// <b>Owns</b> the allocations, events of last uses and a retain of the device context. <b>Thread</b> any. <b>Blocks</b> where the driver
/// is asked to free, which steady state never does; where the driver has no event to mark a last use by; where a block without a stream is
/// wanted and all that is left is in flight; and where memory that was lost with streams is much, is all that is left, or is to be freed.
/// The last two hold up nobody else.
/// </remarks>
internal sealed class DeviceAllocator : IDisposable
{
    private readonly Lock _lock = new();
    private readonly MemoryAccount _account;
    private readonly LastUses _uses;
    private readonly IdleBlocks _idle;
    private readonly Slabs _slabs;
    private readonly LostBlocks _lost;
    private readonly BlockSearch _search;
    private readonly List<BlockPool> _pools = [];
    private readonly IBlockWatcher? _watcher;
    private long _lent;

    /// <param name="device">Its own from here on.</param>
    public DeviceAllocator(DeviceContext device, MemoryAccount account)
    {
        Device = device;
        _account = account;
        _uses = new LastUses(device);
        _idle = new IdleBlocks(_uses);
        _slabs = new Slabs(device, account, _idle);
        _watcher = device.Driver is IBlockWatcher { IsWatching: true } watcher ? watcher : null;
        _lost = new LostBlocks(_idle, _uses, _watcher);
        _search = new BlockSearch(device, account, _idle, _slabs, _lost);
    }

    public DeviceContext Device { get; }

    public ulong Budget => _account.Budget;

    /// <summary>A door for one instance.</summary>
    public BlockPool Open(DeviceAllocators devices)
    {
        lock (_lock)
        {
            var pool = new BlockPool(this, devices);
            _pools.Add(pool);
            return pool;
        }
    }

    /// <summary>Takes everything back that was lent through a door, through which nothing is lent any more.</summary>
    public void TakeBackAll(BlockPool pool)
    {
        LastUse[] lost;
        lock (_lock)
        {
            foreach (DeviceBlock block in _slabs.Blocks.Where(block => !block.IsIdle && ReferenceEquals(block.Pool, pool)).ToArray())
            {
                TakeBack(block);
            }

            lost = _lost.Hold();
        }

        AskDevice(lost);
    }

    /// <summary>Closes a door, through which nothing is lent any more, and frees what is idle; true where it was the last.</summary>
    public bool Close(BlockPool pool)
    {
        lock (_lock)
        {
            _pools.Remove(pool);
            _slabs.FreeIdle();
            _slabs.ForgetMost();
            _uses.Dispose();
            return _pools.Count == 0;
        }
    }

    /// <exception cref="ForwardException">The device's memory is full.</exception>
    public DeviceBlock Rent(WantedBlock wanted)
    {
        BlockPool[]? holders = null;
        int asked = 0;
        bool isDeviceAsked = false;
        while (true)
        {
            BlockSource from;
            LastUse[] awaited = [];
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(wanted.Pool.IsClosed, wanted.Pool);
                bool mayAsk = holders is null ? _pools.Exists(static pool => pool.Holder is not null) : asked < holders.Length;
                from = _search.Find(wanted, mayAsk, isDeviceAsked, out DeviceBlock? found);
                switch (from)
                {
                    case BlockSource.Holders:
                        holders ??= HoldersFor(wanted.Pool);
                        break;
                    case BlockSource.Lost:
                        isDeviceAsked = true;
                        awaited = _lost.Hold();
                        break;
                    case BlockSource.InFlight when wanted.Stream is null:
                        awaited = IdleBlocks.UsesOf(found!, wanted.Size);
                        Array.ForEach(awaited, static use => LastUses.Hold(use));
                        break;
                    default:
                        return Lend(found!, wanted);
                }
            }

            // Nobody's lock is held: a holder takes its own, and gives back under the allocator's; a device may take its time.
            if (from == BlockSource.Holders)
            {
                holders![asked++].Ask();
            }
            else if (from == BlockSource.InFlight)
            {
                WaitFor(awaited);
            }
            else
            {
                AskDevice(awaited);
            }
        }
    }

    /// <summary>Orders the next work on <paramref name="stream"/> behind everything on the stream of a block that is lent already; false,
    /// without effect, where that cannot be done now.</summary>
    public bool TryContinue(DeviceBlock block, DeviceStream stream)
    {
        lock (_lock)
        {
            if (block.Stream is { } last && !ReferenceEquals(last, stream) && !_uses.TryPutBehind(last, stream))
            {
                return false;
            }

            block.Stream = stream;
            return true;
        }
    }

    /// <inheritdoc cref="BlockPool.Return"/>
    public void Return(BlockPool pool, DeviceBlock block, int generation)
    {
        LastUse[] lost;
        lock (_lock)
        {
            if (block.Generation != generation || block.IsKept || block.IsIdle)
            {
                return;
            }

            if (!ReferenceEquals(block.Pool, pool))
            {
                throw new ArgumentException("The block was lent by another pool: it goes back there.", nameof(block));
            }

            TakeBack(block);

            // Whoever lets streams go first waits where that loses memory faster than it is wanted, and nobody who wants some.
            lost = block.LastUse is { IsLost: true } && _lost.Bytes > Math.Max(block.Capacity, _slabs.MostAhead) ? _lost.Hold() : [];
        }

        AskDevice(lost);
    }

    /// <summary>Gives idle memory back to the driver.</summary>
    public void Trim()
    {
        LastUse[] lost;
        lock (_lock)
        {
            lost = _lost.Hold();
        }

        AskDevice(lost);
        lock (_lock)
        {
            _slabs.FreeIdle();
            _uses.Dispose();
        }
    }

    /// <summary>Gives everything back to the driver; no door is open.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _slabs.FreeAll();
            _uses.Dispose();
        }

        Device.Dispose();
    }

    /// <summary>Pools whose holders may have something, that which lent longest ago first and the own one last.</summary>
    private BlockPool[] HoldersFor(BlockPool own) =>
        [.. _pools.Where(pool => pool.Holder is not null).OrderBy(pool => pool == own).ThenBy(pool => pool.LentAt)];

    /// <summary>Waits until these uses are over.</summary>
    private void WaitFor(LastUse[] held)
    {
        try
        {
            Array.ForEach(held, static use => use.Event.Synchronize());
        }
        finally
        {
            lock (_lock)
            {
                LetGo(held);
            }
        }
    }

    private DeviceBlock Lend(DeviceBlock block, in WantedBlock wanted)
    {
        _idle.Take(block, wanted.Size);
        block.Pool = wanted.Pool;
        block.Bytes = wanted.Bytes;
        block.Stream = wanted.Stream;
        block.IsReserved = wanted.Stream is null;
        block.Slab.LentAt = ++_lent;
        _account.Lend(block.Capacity);
        wanted.Pool.CountLent(block, _lent);
        _slabs.CountLent(block);
        _watcher?.BlockLent(block.Pointer, block.Bytes, wanted.Stream?.Handle ?? default);
        return block;
    }

    private void TakeBack(DeviceBlock block)
    {
        // Before anything changes: the stream may go meanwhile.
        DeviceStream? stream = block.Slab.IsWhole ? null : block.Stream;
        CuStream handle = stream?.HandleOrDefault ?? default;
        bool isUntold = stream is not null && handle.IsNull;
        if (!isUntold && !block.Slab.IsWhole)
        {
            _watcher?.BlockReturned(block.Pointer, block.Bytes, handle);
        }

        LastUse? use = stream is null ? null : _uses.Mark(stream);
        block.Generation++;
        block.IsKept = false;
        _account.TakeBack(block.Capacity);
        block.Pool.CountReturned(block);
        if (block.Slab.IsWhole)
        {
            _idle.Add(block);
            _slabs.Free(block.Slab);
            return;
        }

        _slabs.CountReturned(block);
        block.IsReturnUntold = isUntold;
        block.LastUse = use;
        _idle.Add(block);
    }

    /// <summary>Waits until a device is done with what was lost with its streams, unless something is recorded there now.</summary>
    private void AskDevice(LastUse[] held)
    {
        if (held.Length == 0)
        {
            return;
        }

        LastUse[] over = LastUse.Over(held);
        lock (_lock)
        {
            _lost.End(over);
            LetGo(held);
        }
    }

    private void LetGo(LastUse[] held)
    {
        Array.ForEach(held, _uses.LetGo);
        if (_pools.Count == 0)
        {
            // All was given back meanwhile.
            _uses.Dispose();
        }
    }
}
