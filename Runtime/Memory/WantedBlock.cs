using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>A block that somebody wants.</summary>
/// <param name="Bytes">At least 1.</param>
/// <param name="Stream">What it will be used on; null: the host will have seen every use end when it comes back.</param>
/// <param name="IsWhole">It is an allocation of its own.</param>
/// <param name="Purpose">What needs it, for the refusal.</param>
internal readonly record struct WantedBlock(BlockPool Pool, ulong Bytes, DeviceStream? Stream, bool IsWhole, string Purpose)
{
    /// <summary>Bytes it takes of a slab.</summary>
    public ulong Size => Specs.ByteAlignment.Up(Bytes, IdleBlocks.Granule);
}
