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

    /// <summary>Names of the tensors whose shape is data-dependent, in whatever order the nodes stand: a file promises none.</summary>
    /// <remarks>Dependence is passed on along each edge at most twice, so that the work grows with the file and no faster.</remarks>
    /// <param name="given">Initializers that a caller may give other values.</param>
    public static HashSet<string> Find(OnnxGraph graph, IReadOnlyCollection<string> given)
    {
        var found = new Dependent(graph);
        foreach (string input in graph.Inputs.Where(input => !graph.Initializers.Contains(input) || given.Contains(input)))
        {
            found.AddValue(input);
        }

        for (int index = 0; index < graph.Nodes.Count; index++)
        {
            OnnxNode node = graph.Nodes[index];
            bool measures = !node.IsStandard || Measuring.Contains(node.Operator);
            found.AddOutputs(index, shape: measures, value: measures || Random.Contains(node.Operator));
        }

        found.PassOn();
        return found.Shapes;
    }

    private static bool TellsShape(OnnxNode node) => node.IsStandard && node.Operator is "Shape" or "Size";

    private static bool IsShapedBy(OnnxNode node, int input)
    {
        int arguments = node.Operator.StartsWith("Reduce", StringComparison.Ordinal)
            ? 0b10
            : ShapeArguments.GetValueOrDefault(node.Operator);
        return input < 32 && (arguments >> input & 1) != 0;
    }

    /// <summary>The tensors found so far, and those whose readers have not been looked at.</summary>
    private sealed class Dependent
    {
        private readonly IReadOnlyList<OnnxNode> _nodes;
        private readonly bool[] _hasShape;
        private readonly bool[] _hasValue;
        private readonly HashSet<string> _values = new(StringComparer.Ordinal);
        private readonly Dictionary<string, List<(int Node, int Input)>> _readers = new(StringComparer.Ordinal);
        private readonly Stack<(string Tensor, bool IsShape)> _fresh = new();

        public Dependent(OnnxGraph graph)
        {
            _nodes = graph.Nodes;
            _hasShape = new bool[_nodes.Count];
            _hasValue = new bool[_nodes.Count];
            for (int node = 0; node < _nodes.Count; node++)
            {
                for (int input = 0; input < _nodes[node].Inputs.Count; input++)
                {
                    if (!_readers.TryGetValue(_nodes[node].Inputs[input], out List<(int, int)>? readers))
                    {
                        _readers.Add(_nodes[node].Inputs[input], readers = []);
                    }

                    readers.Add((node, input));
                }
            }
        }

        public HashSet<string> Shapes { get; } = new(StringComparer.Ordinal);

        public void AddValue(string tensor)
        {
            if (_values.Add(tensor))
            {
                _fresh.Push((tensor, false));
            }
        }

        public void AddOutputs(int node, bool shape, bool value)
        {
            shape &= !_hasShape[node];
            value &= !_hasValue[node];
            _hasShape[node] |= shape;
            _hasValue[node] |= value;
            foreach (string output in shape || value ? _nodes[node].Outputs : [])
            {
                if (shape && Shapes.Add(output))
                {
                    _fresh.Push((output, true));
                }

                if (value)
                {
                    AddValue(output);
                }
            }
        }

        public void PassOn()
        {
            while (_fresh.TryPop(out (string Tensor, bool IsShape) next))
            {
                foreach ((int node, int input) in _readers.GetValueOrDefault(next.Tensor, []))
                {
                    if (TellsShape(_nodes[node]))
                    {
                        AddOutputs(node, shape: false, value: next.IsShape);
                    }
                    else
                    {
                        AddOutputs(node, shape: next.IsShape || IsShapedBy(_nodes[node], input), value: !next.IsShape);
                    }
                }
            }
        }
    }
}
