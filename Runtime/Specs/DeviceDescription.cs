namespace Troupe.Runtime.Specs;

/// <summary>A device as the driver describes it.</summary>
public sealed record DeviceDescription(int Ordinal, string Name, bool Emulated, int ComputeMajor, int ComputeMinor, long MemoryBytes)
{
    /// <summary>What stands behind it.</summary>
    public DriverKind Driver => Emulated ? DriverKind.Emulated : DriverKind.Cuda;
}
