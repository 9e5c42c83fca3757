namespace Troupe.Runtime.Counts;

/// <summary>Bytes of one device's memory that an instance has.</summary>
/// <param name="Used">Lent to it, for forwards or for good.</param>
/// <param name="HighWater">Most that was ever lent to it at one time.</param>
/// <param name="Reclaimed">Kept between forwards, and given because somebody needed them.</param>
public readonly record struct InstanceMemory(int Ordinal, long Used, long HighWater, long Reclaimed);
