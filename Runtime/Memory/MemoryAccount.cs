using Troupe.Runtime.Counts;

namespace Troupe.Runtime.Memory;

/// <summary>What may be taken of one device's memory, and what is; it outlives the allocator, which goes with the last instance.</summary>
/// <remarks><b>Thread</b> written under the allocator's lock, read by any. <b>Blocks</b> never.</remarks>
internal sealed class MemoryAccount
{
    private long _reserved;
    private long _used;
    private long _highWater;
    private long _reclaimed;

    /// <summary>Most bytes that are taken from the driver.</summary>
    public required ulong Budget { get; set; }

    /// <summary>Every block is an allocation of its own, so that tools that watch allocations see each block; it stays as it is while there
    /// is an allocator.</summary>
    public bool SeparateBlocks { get; set; }

    public ulong Reserved => (ulong)Volatile.Read(ref _reserved);

    public ulong Used => (ulong)Volatile.Read(ref _used);

    /// <param name="taken">Bytes that the driver says are taken, by whomever.</param>
    public MemoryCounts Counts(long taken) =>
        new(
            (long)Math.Min(Budget, long.MaxValue),
            Volatile.Read(ref _reserved),
            Volatile.Read(ref _used),
            Volatile.Read(ref _highWater),
            Volatile.Read(ref _reclaimed),
            Math.Max(0, taken - Volatile.Read(ref _reserved))
        );

    public bool Admits(ulong bytes) => bytes <= Budget && Reserved <= Budget - bytes;

    public void Reserve(ulong bytes) => Volatile.Write(ref _reserved, _reserved + (long)bytes);

    public void Free(ulong bytes) => Volatile.Write(ref _reserved, _reserved - (long)bytes);

    public void Lend(ulong bytes)
    {
        Volatile.Write(ref _used, _used + (long)bytes);
        Volatile.Write(ref _highWater, Math.Max(_highWater, _used));
    }

    public void TakeBack(ulong bytes) => Volatile.Write(ref _used, _used - (long)bytes);

    public void Reclaim(ulong bytes) => Interlocked.Add(ref _reclaimed, (long)bytes);
}
