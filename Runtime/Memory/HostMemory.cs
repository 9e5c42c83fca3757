using System.Collections.Concurrent;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>Lends blocks of host memory for tensors and bodies on their way between sockets and lanes: page-locked where the devices are
/// real.</summary>
/// <remarks>
/// A block comes back when its last lease is over, lies ready for the next, and is given back to the machine when nobody needed it for
/// <see cref="Idle"/>, or when others are made and more would be held than was ever lent at one time and <c>Slack</c>. <b>Owns</b> its
/// blocks, and the device context that pins them. <b>Thread</b> any. <b>Blocks</b> when a block is made or given back: the driver may wait
/// for the device.
/// </remarks>
public sealed class HostMemory : IDisposable
{
    private readonly HostShelf[] _shelves = [.. Enumerable.Range(0, HostBlockSize.Count).Select(_ => new HostShelf())];
    private readonly ConcurrentQueue<HostBlock> _forgotten = [];
    private readonly DeviceContext? _pinnedBy;
    private readonly ITimer _trim;
    private readonly long _limit;
    private long _reserved;
    private long _pinned;
    private long _pinnedUsed;
    private long _used;
    private long _highWater;
    private long _leases;
    private long _forgottenLeases;
    private int _isTrimDue;
    private int _isDisposed;

    /// <summary>Memory of the process, up to what the machine has.</summary>
    public HostMemory()
        : this(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, pinnedBy: null) { }

    /// <param name="pinnedBy">Its own from here on; null: nothing is page-locked.</param>
    internal HostMemory(long limit, DeviceContext? pinnedBy, TimeProvider? time = null)
    {
        (_limit, _pinnedBy) = (limit, pinnedBy);
        _trim = (time ?? TimeProvider.System).CreateTimer(
            static memory => ((HostMemory)memory!).Trim(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>How long a block may lie without being needed.</summary>
    public static TimeSpan Idle { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes that may lie idle beside the most that was ever lent at one time: requests of changing sizes make no new
    /// blocks.</summary>
    internal const long Slack = 64L << 20;

    /// <summary>Lends a block of at least so many bytes; what they hold is undefined.</summary>
    /// <param name="budget">Whom the block counts for until its last lease is over; null: nobody.</param>
    /// <exception cref="HostMemoryException">The budget or the limit is reached, or the machine has no more.</exception>
    public TensorLease Lease(long bytes, HostBudget? budget = null) => Lease(bytes, budget, exchanged: 0);

    /// <summary>Lends a larger block in place of a whole one, which is over then: its bytes stand at the beginning. The budget needs room
    /// for what is added alone.</summary>
    /// <param name="lease">Counts for the budget, and has no parts; where this fails it goes on.</param>
    /// <inheritdoc cref="Lease(long, HostBudget?)" path="/exception"/>
    public TensorLease Grow(TensorLease lease, long bytes, HostBudget budget)
    {
        long held = HostBlockSize.Bytes(HostBlockSize.Of(lease.Length));
        TensorLease larger = Lease(bytes, budget, exchanged: held);
        lease.GetSpan().CopyTo(larger.GetSpan());
        budget.Return(-held);
        lease.Release();
        return larger;
    }

    /// <param name="exchanged">Bytes of the budget that another block has, and leaves to this one.</param>
    private TensorLease Lease(long bytes, HostBudget? budget, long exchanged)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        if (bytes > Array.MaxLength)
        {
            throw new HostMemoryException($"{bytes} bytes are more than one tensor or body may have, {Array.MaxLength}.");
        }

        TakeBackForgotten();
        int size = HostBlockSize.Of((int)bytes);
        long room = HostBlockSize.Bytes(size);
        if (budget is not null && !budget.TryTake(room - exchanged))
        {
            throw budget.Refusal(room - exchanged);
        }

        try
        {
            if (!_shelves[size].TryTake(out HostBlock? block))
            {
                block = Make(size);
            }

            RaiseHighWater(Interlocked.Add(ref _used, room));
            Interlocked.Add(ref _pinnedUsed, block.PinnedBytes);
            CountLease();
            return block.Lend((int)bytes, budget);
        }
        catch
        {
            budget?.Return(room - exchanged);
            throw;
        }
    }

    /// <summary>What it holds now.</summary>
    public HostMemorySnapshot Snapshot()
    {
        TakeBackForgotten();
        return new HostMemorySnapshot(
            _limit,
            Interlocked.Read(ref _reserved),
            Interlocked.Read(ref _used),
            Interlocked.Read(ref _highWater),
            Interlocked.Read(ref _pinned),
            Interlocked.Read(ref _pinnedUsed),
            Interlocked.Read(ref _leases),
            Interlocked.Read(ref _forgottenLeases)
        );
    }

    /// <summary>Gives idle blocks back; lent ones follow when their leases are over.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _trim.Dispose();
            TakeBackForgotten();
            FreeIdle(all: true);
            _pinnedBy?.Dispose();
        }
    }

    internal void CountLease() => Interlocked.Increment(ref _leases);

    internal void EndLease() => Interlocked.Decrement(ref _leases);

    internal void TakeBack(HostBlock block)
    {
        Interlocked.Add(ref _used, -block.Bytes);
        Interlocked.Add(ref _pinnedUsed, -block.PinnedBytes);
        _shelves[block.Size].Add(block);
        if (Volatile.Read(ref _isDisposed) != 0)
        {
            FreeIdle(all: true);
        }
        else
        {
            TrimLater();
        }
    }

    /// <summary>On the finalizer's thread: nothing is freed here, and no driver called.</summary>
    internal void NoteForgotten(HostBlock block)
    {
        Interlocked.Increment(ref _forgottenLeases);
        _forgotten.Enqueue(block);
        if (Volatile.Read(ref _isDisposed) != 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static memory => memory.TakeBackForgotten(), this, preferLocal: false);
        }
        else
        {
            TrimLater();
        }
    }

    private void TakeBackForgotten()
    {
        while (!_forgotten.IsEmpty && _forgotten.TryDequeue(out HostBlock? block))
        {
            block.Return();
        }
    }

    private HostBlock Make(int size)
    {
        long bytes = HostBlockSize.Bytes(size);
        MakeWay(bytes);
        if (!HostBudget.TryRaise(ref _reserved, bytes, _limit))
        {
            FreeIdle(all: true);
            if (!HostBudget.TryRaise(ref _reserved, bytes, _limit))
            {
                throw new HostMemoryException($"The node holds as much host memory for tensors as it may, {_limit} bytes.");
            }
        }

        HostBlock? made = null;
        try
        {
            return made = new HostBlock(this, size, Region(bytes));
        }
        catch (OutOfMemoryException full)
        {
            throw new HostMemoryException($"The machine has no {bytes} bytes of memory left for tensors.", full);
        }
        finally
        {
            Interlocked.Add(ref _reserved, made is null ? -bytes : 0);
        }
    }

    /// <summary>Page-locked where that is wanted and to be had, up to half of what it may hold: the system needs the rest; copies of other
    /// memory wait, which is slower and no less right.</summary>
    private IHostRegion Region(long bytes)
    {
        if (_pinnedBy is { } context && HostBudget.TryRaise(ref _pinned, bytes, _limit / 2))
        {
            PinnedRegion? region = null;
            try
            {
                region = new PinnedRegion(PinnedBuffer.Allocate(context, (ulong)bytes));
                return region;
            }
            catch (Exception trouble) when (trouble is CudaException or ObjectDisposedException)
            {
                // The device is lost, the memory just closed, or the system page-locks no more.
            }
            finally
            {
                Interlocked.Add(ref _pinned, region is null ? -bytes : 0);
            }
        }

        return new NativeRegion(bytes);
    }

    private void Trim()
    {
        Volatile.Write(ref _isTrimDue, 0);
        TakeBackForgotten();
        FreeIdle(all: false);
        if (Interlocked.Read(ref _reserved) > Interlocked.Read(ref _used))
        {
            TrimLater();
        }
    }

    private void TrimLater()
    {
        if (Volatile.Read(ref _isTrimDue) == 0 && Interlocked.Exchange(ref _isTrimDue, 1) == 0)
        {
            _trim.Change(Idle, Timeout.InfiniteTimeSpan);
        }
    }

    private void FreeIdle(bool all)
    {
        foreach (HostShelf shelf in _shelves)
        {
            foreach (HostBlock block in shelf.Unused(all))
            {
                Free(block);
            }
        }
    }

    /// <summary>Idle blocks, the largest first, go before a new one brings what is held too far above what is lent.</summary>
    private void MakeWay(long bytes)
    {
        long most = Slack + Math.Max(Interlocked.Read(ref _highWater), Interlocked.Read(ref _used) + bytes);
        for (int size = _shelves.Length - 1; size >= 0; size--)
        {
            while (Interlocked.Read(ref _reserved) + bytes > most && _shelves[size].TryTake(out HostBlock? idle))
            {
                Free(idle);
            }
        }
    }

    private void Free(HostBlock block)
    {
        Interlocked.Add(ref _reserved, -block.Bytes);
        Interlocked.Add(ref _pinned, -block.PinnedBytes);
        block.Free();
    }

    private void RaiseHighWater(long used)
    {
        long highest = Interlocked.Read(ref _highWater);
        while (used > highest)
        {
            long before = Interlocked.CompareExchange(ref _highWater, used, highest);
            if (before == highest)
            {
                return;
            }

            highest = before;
        }
    }
}
