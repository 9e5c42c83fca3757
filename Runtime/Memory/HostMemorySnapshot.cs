namespace Troupe.Runtime.Memory;

/// <summary>What a <see cref="HostMemory"/> holds.</summary>
/// <param name="LimitBytes">Most bytes it may hold.</param>
/// <param name="ReservedBytes">Bytes it holds, lent and idle.</param>
/// <param name="UsedBytes">Bytes of blocks that leases keep.</param>
/// <param name="HighWaterBytes">Most bytes that leases have kept at one time.</param>
/// <param name="PinnedBytes">Of those that it holds, the page-locked ones.</param>
/// <param name="PinnedUsedBytes">Of those, the ones that leases keep.</param>
/// <param name="Leases">Leases that are not over.</param>
/// <param name="Forgotten">Leases that nobody ended, taken back since.</param>
public readonly record struct HostMemorySnapshot(
    long LimitBytes,
    long ReservedBytes,
    long UsedBytes,
    long HighWaterBytes,
    long PinnedBytes,
    long PinnedUsedBytes,
    long Leases,
    long Forgotten
)
{
    /// <summary>Bytes that lie ready for the next lease.</summary>
    public long IdleBytes => ReservedBytes - UsedBytes;
}
