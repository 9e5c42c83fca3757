using System.Collections.Frozen;

namespace Troupe.Messages.Tensors;

/// <summary>What is known of each element type: its size and its name in the V2 protocol.</summary>
public static class ElementTypes
{
    /// <summary>The types a tensor may have.</summary>
    public static IReadOnlyList<ElementType> All { get; } = [.. Enum.GetValues<ElementType>().Where(type => type != ElementType.Unknown)];

    private static readonly FrozenDictionary<string, ElementType> ByName = All.ToFrozenDictionary(
        type => type.ProtocolName(),
        StringComparer.Ordinal
    );

    extension(ElementType type)
    {
        /// <summary>Bits of one element; 0 for <see cref="ElementType.Bytes"/>, whose elements have lengths of their own.</summary>
        public int BitCount() =>
            type switch
            {
                ElementType.Bool or ElementType.UInt8 or ElementType.Int8 or ElementType.Fp8 => 8,
                ElementType.UInt16 or ElementType.Int16 or ElementType.Fp16 or ElementType.Bf16 => 16,
                ElementType.UInt32 or ElementType.Int32 or ElementType.Fp32 => 32,
                ElementType.UInt64 or ElementType.Int64 or ElementType.Fp64 => 64,
                ElementType.Int4 => 4,
                ElementType.Bytes or ElementType.Unknown => 0,
            };

        /// <summary>Bytes that <paramref name="elements"/> elements take, packed types rounded up; throws for
        /// <see cref="ElementType.Bytes"/>.</summary>
        public long ByteCount(long elements) =>
            type == ElementType.Bytes
                ? throw new ArgumentException("The size of BYTES depends on its elements, not on their number.", nameof(elements))
                : checked((elements * type.BitCount() + 7) / 8);

        /// <summary>Bytes of a tensor of this type and shape; false for <see cref="ElementType.Bytes"/>, an undefined type, and where the
        /// count does not fit.</summary>
        public bool TryGetByteCount(TensorShape shape, out long bytes)
        {
            bytes = 0;
            if (
                type == ElementType.Unknown
                || !Enum.IsDefined(type)
                || type == ElementType.Bytes
                || !shape.TryGetElementCount(out long elements)
                || elements > (long.MaxValue - 7) / type.BitCount()
            )
            {
                return false;
            }

            bytes = type.ByteCount(elements);
            return true;
        }

        /// <summary>Name in the V2 protocol, e.g. <c>FP32</c>; for the types beyond it, TensorRT's (<c>FP8</c>, <c>INT4</c>).</summary>
        public string ProtocolName() =>
            type switch
            {
                ElementType.Unknown => "UNKNOWN",
                ElementType.Bool => "BOOL",
                ElementType.UInt8 => "UINT8",
                ElementType.UInt16 => "UINT16",
                ElementType.UInt32 => "UINT32",
                ElementType.UInt64 => "UINT64",
                ElementType.Int8 => "INT8",
                ElementType.Int16 => "INT16",
                ElementType.Int32 => "INT32",
                ElementType.Int64 => "INT64",
                ElementType.Fp16 => "FP16",
                ElementType.Bf16 => "BF16",
                ElementType.Fp32 => "FP32",
                ElementType.Fp64 => "FP64",
                ElementType.Bytes => "BYTES",
                ElementType.Fp8 => "FP8",
                ElementType.Int4 => "INT4",
            };
    }

    /// <summary>Finds a type by its protocol name (upper case, exact).</summary>
    public static bool TryParse(string name, out ElementType type) => ByName.TryGetValue(name, out type);
}
