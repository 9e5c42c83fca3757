namespace Troupe.Runtime.Specs;

/// <summary>What stands behind a device.</summary>
public enum DriverKind
{
    /// <summary>A real device through the CUDA driver.</summary>
    Cuda,

    /// <summary>A device in host memory, which runs managed kernels.</summary>
    Emulated,
}
