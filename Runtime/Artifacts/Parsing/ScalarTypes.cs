using System.Collections.Frozen;
using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>PyTorch's names and numbers of element types (torch/_export/serde/schema.py ScalarType) in Troupe's.</summary>
internal static class ScalarTypes
{
    private static readonly FrozenDictionary<string, ElementType> ByName = new Dictionary<string, ElementType>
    {
        ["bool"] = ElementType.Bool,
        ["uint8"] = ElementType.UInt8,
        ["uint16"] = ElementType.UInt16,
        ["int8"] = ElementType.Int8,
        ["int16"] = ElementType.Int16,
        ["int32"] = ElementType.Int32,
        ["int64"] = ElementType.Int64,
        ["float16"] = ElementType.Fp16,
        ["bfloat16"] = ElementType.Bf16,
        ["float32"] = ElementType.Fp32,
        ["float64"] = ElementType.Fp64,
        ["float8_e4m3fn"] = ElementType.Fp8,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<int, ElementType> ByNumber = new Dictionary<int, ElementType>
    {
        [1] = ElementType.UInt8,
        [2] = ElementType.Int8,
        [3] = ElementType.Int16,
        [4] = ElementType.Int32,
        [5] = ElementType.Int64,
        [6] = ElementType.Fp16,
        [7] = ElementType.Fp32,
        [8] = ElementType.Fp64,
        [12] = ElementType.Bool,
        [13] = ElementType.Bf16,
        [28] = ElementType.UInt16,
        [29] = ElementType.Fp8,
    }.ToFrozenDictionary();

    /// <summary>With or without the prefix <c>torch.</c></summary>
    public static bool TryParse(string name, out ElementType type) =>
        ByName.TryGetValue(name.StartsWith("torch.", StringComparison.Ordinal) ? name["torch.".Length..] : name, out type);

    public static ElementType? Of(int number) => ByNumber.TryGetValue(number, out ElementType type) ? type : null;
}
