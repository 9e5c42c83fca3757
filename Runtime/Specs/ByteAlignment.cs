using System.Numerics;
using System.Runtime.CompilerServices;

namespace Troupe.Runtime.Specs;

/// <summary>Where the next thing begins that has to lie at a multiple of something.</summary>
internal static class ByteAlignment
{
    /// <summary>The least multiple of <paramref name="alignment"/> that is not below <paramref name="value"/>. Past the range of the type
    /// it wraps around.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Up<T>(T value, T alignment)
        where T : IBinaryInteger<T> => (value + alignment - T.One) / alignment * alignment;
}
