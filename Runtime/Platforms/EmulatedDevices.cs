namespace Troupe.Runtime.Platforms;

/// <summary>What a machine of emulated devices looks like.</summary>
/// <param name="Count">How many; at least 1.</param>
/// <param name="MemoryBytes">Memory of each; loads and forwards that do not fit fail as they would on a GPU.</param>
public sealed record EmulatedDevices(int Count = 1, long MemoryBytes = 8L << 30);
