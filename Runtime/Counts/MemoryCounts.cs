namespace Troupe.Runtime.Counts;

/// <summary>Bytes of one device's memory, by what has become of them.</summary>
/// <param name="Budget">Most that is taken from the driver.</param>
/// <param name="Reserved">Taken from the driver: used and idle.</param>
/// <param name="Used">Lent, to forwards or for good.</param>
/// <param name="HighWater">Most that was ever lent at one time.</param>
/// <param name="Reclaimed">Idle ones that were given back to the driver because somebody needed them, those included that instances gave
/// for that, of which <see cref="InstanceMemory.Reclaimed"/> tells.</param>
/// <param name="Foreign">Used on the device by others: libraries in this process, other processes.</param>
public readonly record struct MemoryCounts(long Budget, long Reserved, long Used, long HighWater, long Reclaimed, long Foreign)
{
    /// <summary>Taken from the driver and not lent.</summary>
    public long Idle => Reserved - Used;
}
