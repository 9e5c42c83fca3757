using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>An instance's door to the memory of one device: what is lent through it counts as the instance's, and comes back when it is
/// closed.</summary>
/// <remarks><b>Owns</b> nothing but what is lent through it. <b>Thread</b> any. <b>Blocks</b> as <see cref="DeviceAllocator"/>.</remarks>
internal sealed class BlockPool(DeviceAllocator allocator, DeviceAllocators devices) : IDisposable
{
    private long _used;
    private long _highWater;
    private long _reclaimed;
    private int _isClosed;

    public int Ordinal => allocator.Device.Ordinal;

    public DeviceContext Device => allocator.Device;

    /// <summary>Most bytes that all instances on the device have together.</summary>
    public ulong Budget => allocator.Budget;

    /// <summary>Who keeps blocks of this pool between forwards; null where nobody does.</summary>
    public IMemoryHolder? Holder { get; set; }

    /// <summary>Bytes of all blocks that are lent.</summary>
    public long Bytes => Volatile.Read(ref _used);

    public InstanceMemory Counts => new(Ordinal, Bytes, Volatile.Read(ref _highWater), Volatile.Read(ref _reclaimed));

    public bool IsClosed => Volatile.Read(ref _isClosed) != 0;

    /// <summary>Blocks that are lent for work on streams now.</summary>
    public int Lent { get; private set; }

    /// <summary>When a block was lent last, in blocks lent by the device.</summary>
    public long LentAt { get; private set; }

    /// <summary>Lends a block of <paramref name="bytes"/> bytes (at least 1) for work on <paramref name="stream"/>.</summary>
    /// <exception cref="ForwardException">The device's memory is full.</exception>
    public DeviceBlock Rent(ulong bytes, DeviceStream stream) =>
        allocator.Rent(new WantedBlock(this, Math.Max(bytes, 1), stream, IsWhole: false, "The tensors of a forward"));

    /// <summary>Lends a block for work on whatever stream; it comes back when the host has seen the last use end.</summary>
    /// <param name="purpose">What lies in it, for the error when the device is full.</param>
    /// <param name="isWhole">It is an allocation of its own, given back to the driver with it: for what lives as long as an engine.</param>
    /// <exception cref="ForwardException">The device's memory is full.</exception>
    public DeviceBlock Reserve(ulong bytes, string purpose, bool isWhole = false) =>
        allocator.Rent(new WantedBlock(this, Math.Max(bytes, 1), Stream: null, isWhole, purpose));

    /// <inheritdoc cref="DeviceAllocator.TryContinue"/>
    public bool TryContinue(DeviceBlock block, DeviceStream stream) => allocator.TryContinue(block, stream);

    /// <summary>Takes a block back; <paramref name="generation"/> is what it was when it was lent, so that returning twice does
    /// nothing.</summary>
    /// <exception cref="ArgumentException">It was lent through another door.</exception>
    public void Return(DeviceBlock block, int generation) => allocator.Return(this, block, generation);

    /// <summary>Gives the device's idle memory back to the driver.</summary>
    public void Trim() => allocator.Trim();

    /// <summary>Takes back whatever is still lent; nothing may use it but what is enqueued.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            devices.Close(allocator, this);
        }
    }

    /// <summary>Under the allocator's lock.</summary>
    internal void CountLent(DeviceBlock block, long at)
    {
        LentAt = at;
        Lent += block.IsReserved ? 0 : 1;
        Volatile.Write(ref _used, _used + (long)block.Capacity);
        Volatile.Write(ref _highWater, Math.Max(_highWater, _used));
    }

    /// <summary>Under the allocator's lock.</summary>
    internal void CountReturned(DeviceBlock block)
    {
        Lent -= block.IsReserved ? 0 : 1;
        Volatile.Write(ref _used, _used - (long)block.Capacity);
    }

    /// <summary>Asks its holder; what came back is counted.</summary>
    internal void Ask()
    {
        long before = Bytes;
        Holder?.GiveBackMemory();
        Interlocked.Add(ref _reclaimed, Math.Max(0, before - Bytes));
    }
}
