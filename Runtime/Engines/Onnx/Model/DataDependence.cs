using System.Collections.Frozen;

namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>Finds the tensors of a graph whose shapes depend on the values of its inputs, not on their shapes alone.</summary>
/// <remarks>
/// A value is <i>fixed</i> when input shapes and constants determine it, a shape likewise. Operators that measure their data make shapes
/// that are not;
/// operators that take a shape as an input make one only if that input is not fixed. Unknown operators are taken to measure: that costs
/// time, never correctness.
/// </remarks>
internal static class DataDependence
{
    private static readonly FrozenSet<string> Measuring = FrozenSet.Create(
        StringComparer.Ordinal,
        "NonZero",
        "Unique",
        "Compress",
        "NonMaxSuppression",
        "If",
        "Loop",
        "Scan",
        "StringSplit",
        "SequenceAt",
        "SequenceConstruct",
        "SequenceEmpty",
        "SequenceErase",
        "SequenceInsert",
        "SequenceMap",
        "SplitToSequence",
        "ConcatFromSequence",
        "Optional",
        "OptionalGetElement",
        "ImageDecoder",
        "TfIdfVectorizer"
    );

    private static readonly FrozenSet<string> Random = FrozenSet.Create(
        StringComparer.Ordinal,
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
        "Multinomial",
        "Bernoulli"
    );

    /// <summary>By operator, which inputs shape the output by their values (bit per input).</summary>
    private static readonly FrozenDictionary<string, int> ShapeArguments = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        ["AffineGrid"] = 0b10,
        ["BlackmanWindow"] = 0b1,
        ["CenterCropPad"] = 0b10,
        ["Col2Im"] = 0b110,
        ["ConstantOfShape"] = 0b1,
        ["DFT"] = 0b110,
        ["Expand"] = 0b10,
        ["HammingWindow"] = 0b1,
        ["HannWindow"] = 0b1,
        ["MaxUnpool"] = 0b100,
        ["MelWeightMatrix"] = 0b11111,
        ["OneHot"] = 0b10,
        ["Pad"] = 0b1010,
        ["Range"] = 0b111,
        ["Reshape"] = 0b10,
        ["Resize"] = 0b1110,
        ["STFT"] = 0b1010,
        ["Slice"] = 0b11110,
        ["Split"] = 0b10,
        ["Squeeze"] = 0b10,
        ["Tile"] = 0b110,
        ["TopK"] = 0b10,
        ["Unsqueeze"] = 0b10,
        ["Upsample"] = 0b10,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Names of the tensors whose shape is data-dependent.</summary>
    public static HashSet<string> Find(OnnxGraph graph)
    {
        var dependentShape = new HashSet<string>(StringComparer.Ordinal);
        var dependentValue = new HashSet<string>(graph.Inputs.Where(input => !graph.Initializers.Contains(input)), StringComparer.Ordinal);

        // ONNX demands that nodes stand in an order in which they can run, so one pass is enough.
        foreach (OnnxNode node in graph.Nodes)
        {
            bool shape = MakesDependentShape(node, dependentShape, dependentValue);
            bool value = MakesDependentValue(node, dependentShape, dependentValue);
            foreach (string output in node.Outputs)
            {
                if (shape)
                {
                    dependentShape.Add(output);
                }

                if (value)
                {
                    dependentValue.Add(output);
                }
            }
        }

        return dependentShape;
    }

    private static bool MakesDependentShape(OnnxNode node, HashSet<string> dependentShape, HashSet<string> dependentValue)
    {
        if (!node.IsStandard || Measuring.Contains(node.Operator))
        {
            return true;
        }

        if (node.Operator is "Shape" or "Size")
        {
            return false;
        }

        int arguments = node.Operator.StartsWith("Reduce", StringComparison.Ordinal)
            ? 0b10
            : ShapeArguments.GetValueOrDefault(node.Operator);
        for (int index = 0; index < node.Inputs.Count; index++)
        {
            if (
                dependentShape.Contains(node.Inputs[index])
                || ((arguments >> index & 1) != 0 && dependentValue.Contains(node.Inputs[index]))
            )
            {
                return true;
            }
        }

        return false;
    }

    private static bool MakesDependentValue(OnnxNode node, HashSet<string> dependentShape, HashSet<string> dependentValue) =>
        !node.IsStandard
        || Measuring.Contains(node.Operator)
        || Random.Contains(node.Operator)
        || (node.Operator is "Shape" or "Size" ? node.Inputs.Any(dependentShape.Contains) : node.Inputs.Any(dependentValue.Contains));
}
