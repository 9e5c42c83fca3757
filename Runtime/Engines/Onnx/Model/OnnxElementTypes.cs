using Microsoft.ML.OnnxRuntime.Tensors;
using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>Element types as ONNX Runtime names them.</summary>
internal static class OnnxElementTypes
{
    /// <summary>False for types that no tensor here has: complex numbers, 4-bit and 8-bit floats of other layouts.</summary>
    public static bool TryParse(TensorElementType onnx, out ElementType type)
    {
        ElementType? found = onnx switch
        {
            TensorElementType.Bool => ElementType.Bool,
            TensorElementType.UInt8 => ElementType.UInt8,
            TensorElementType.UInt16 => ElementType.UInt16,
            TensorElementType.UInt32 => ElementType.UInt32,
            TensorElementType.UInt64 => ElementType.UInt64,
            TensorElementType.Int8 => ElementType.Int8,
            TensorElementType.Int16 => ElementType.Int16,
            TensorElementType.Int32 => ElementType.Int32,
            TensorElementType.Int64 => ElementType.Int64,
            TensorElementType.Float16 => ElementType.Fp16,
            TensorElementType.BFloat16 => ElementType.Bf16,
            TensorElementType.Float => ElementType.Fp32,
            TensorElementType.Double => ElementType.Fp64,
            TensorElementType.String => ElementType.Bytes,
            _ => null,
        };
        type = found.GetValueOrDefault();
        return found is not null;
    }

    public static TensorElementType ToOnnx(ElementType type) =>
        type switch
        {
            ElementType.Bool => TensorElementType.Bool,
            ElementType.UInt8 => TensorElementType.UInt8,
            ElementType.UInt16 => TensorElementType.UInt16,
            ElementType.UInt32 => TensorElementType.UInt32,
            ElementType.UInt64 => TensorElementType.UInt64,
            ElementType.Int8 => TensorElementType.Int8,
            ElementType.Int16 => TensorElementType.Int16,
            ElementType.Int32 => TensorElementType.Int32,
            ElementType.Int64 => TensorElementType.Int64,
            ElementType.Fp16 => TensorElementType.Float16,
            ElementType.Bf16 => TensorElementType.BFloat16,
            ElementType.Fp32 => TensorElementType.Float,
            ElementType.Fp64 => TensorElementType.Double,
            ElementType.Bytes => TensorElementType.String,
            ElementType.Unknown or ElementType.Fp8 or ElementType.Int4 => throw new ArgumentOutOfRangeException(
                nameof(type),
                type,
                "ONNX Runtime has no such tensors at its interface."
            ),
        };
}
