namespace Troupe.Messages.Tensors;

/// <summary>Type of a tensor's elements: those of the Open Inference Protocol V2 and those TensorRT has beyond.</summary>
/// <remarks>The numbers travel on the wire; they are never reused.</remarks>
public enum ElementType : byte
{
    /// <summary>A type that a later version added: said of a model's tensor only, no tensor has it.</summary>
    Unknown = 0,

    Bool = 1,
    UInt8 = 2,
    UInt16 = 3,
    UInt32 = 4,
    UInt64 = 5,
    Int8 = 6,
    Int16 = 7,
    Int32 = 8,
    Int64 = 9,
    Fp16 = 10,
    Bf16 = 11,
    Fp32 = 12,
    Fp64 = 13,

    /// <summary>Variable-length byte strings, each a little-endian uint32 length and its bytes (V2 <c>BYTES</c>).</summary>
    Bytes = 14,

    /// <summary>8-bit float E4M3 (TensorRT <c>kFP8</c>).</summary>
    Fp8 = 15,

    /// <summary>Signed 4-bit integer, two to a byte, low nibble first (TensorRT <c>kINT4</c>).</summary>
    Int4 = 16,
}
