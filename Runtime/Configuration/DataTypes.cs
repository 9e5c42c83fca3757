using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Configuration;

/// <summary>Types of tensors between a configuration's words and Troupe's.</summary>
internal static class DataTypes
{
    private static readonly (DataType Configured, ElementType Type)[] Pairs =
    [
        (DataType.TypeBool, ElementType.Bool),
        (DataType.TypeUint8, ElementType.UInt8),
        (DataType.TypeUint16, ElementType.UInt16),
        (DataType.TypeUint32, ElementType.UInt32),
        (DataType.TypeUint64, ElementType.UInt64),
        (DataType.TypeInt8, ElementType.Int8),
        (DataType.TypeInt16, ElementType.Int16),
        (DataType.TypeInt32, ElementType.Int32),
        (DataType.TypeInt64, ElementType.Int64),
        (DataType.TypeFp16, ElementType.Fp16),
        (DataType.TypeFp32, ElementType.Fp32),
        (DataType.TypeFp64, ElementType.Fp64),
        (DataType.TypeString, ElementType.Bytes),
        (DataType.TypeBf16, ElementType.Bf16),
    ];

    /// <summary>The element type; <see cref="ElementType.Unknown"/> of TYPE_INVALID.</summary>
    public static ElementType Of(DataType type) => Array.Find(Pairs, pair => pair.Configured == type).Type;

    /// <summary>The configuration's type; TYPE_INVALID of what it has no word for.</summary>
    public static DataType Of(ElementType type) => Array.Find(Pairs, pair => pair.Type == type).Configured;

    /// <summary>As a configuration spells it: <c>TYPE_FP32</c>, and <c>TYPE_STRING</c> for BYTES.</summary>
    public static string NameOf(ElementType type) => type == ElementType.Bytes ? "TYPE_STRING" : "TYPE_" + type.ProtocolName();
}
