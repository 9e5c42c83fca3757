using System.Numerics;

namespace Troupe.Runtime.Memory;

/// <summary>The sizes that blocks of host memory have: four to each doubling, so that at most a fifth of one is unused.</summary>
internal static class HostBlockSize
{
    /// <summary>The smallest, a page.</summary>
    public const int Least = 1 << LeastBits;

    /// <summary>How many there are, up to what an array can hold.</summary>
    public const int Count = 1 + (31 - LeastBits) * Quarters;

    private const int LeastBits = 12;
    private const int Quarters = 4;

    /// <summary>The number of the size that this many bytes take.</summary>
    public static int Of(int bytes)
    {
        if (bytes <= Least)
        {
            return 0;
        }

        int last = bytes - 1;
        int bits = BitOperations.Log2((uint)last);
        return 1 + (bits - LeastBits) * Quarters + (last >> (bits - 2)) % Quarters;
    }

    /// <summary>Bytes of the size of this number.</summary>
    public static long Bytes(int size)
    {
        if (size == 0)
        {
            return Least;
        }

        int bits = LeastBits + (size - 1) / Quarters;
        return (1L << bits) + (((size - 1) % Quarters + 1L) << (bits - 2));
    }
}
