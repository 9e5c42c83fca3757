namespace Troupe.Runtime.Cuda;

/// <summary>One range of host memory that a host function touches.</summary>
internal readonly record struct HostRange(nint Start, ulong ByteCount, AccessKind Kind);
