using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>What Troupe itself reads out of an ONNX file: weights, files it refers to, and the nodes, to know which shapes depend on
/// data.</summary>
/// <param name="Opset">Version of the default operator set.</param>
/// <param name="WeightBytes">Size of the constant tensors, external ones by their declared length.</param>
/// <param name="ExternalFiles">Files that hold external tensors, as the model names them.</param>
/// <param name="Defaults">Values of initializers that are inputs too: whoever calls may give others.</param>
/// <param name="Shapeless">Inputs and outputs of which the file declares no shape, not even a rank.</param>
internal sealed record OnnxGraph(
    long Opset,
    long WeightBytes,
    IReadOnlySet<string> Initializers,
    IReadOnlyCollection<string> ExternalFiles,
    IReadOnlyList<string> Inputs,
    IReadOnlyDictionary<string, Tensor> Defaults,
    IReadOnlySet<string> Shapeless,
    IReadOnlyList<OnnxNode> Nodes
)
{
    /// <summary>Optional inputs of a model together; beyond it initializers are weights, whether they are inputs or not.</summary>
    public const int MaxDefaultBytes = 64 << 10;

    /// <exception cref="InvalidDataException">The bytes are not an ONNX model.</exception>
    public static OnnxGraph Read(ReadOnlySpan<byte> model)
    {
        var reader = new ProtobufReader(model);
        var weights = new OnnxWeightTally();
        ReadOnlySpan<byte> graph = default;
        bool hasGraph = false;
        long opset = 0;
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 7:
                    graph = reader.Bytes;
                    hasGraph = true;
                    break;
                case 8:
                    opset = Math.Max(opset, ReadDefaultOpset(reader.Bytes));
                    break;
                case 25:
                    weights.AddFunction(reader.Bytes);
                    break;
            }
        }

        return hasGraph ? ReadGraph(graph, opset, weights) : throw new InvalidDataException("it holds no graph");
    }

    private static OnnxGraph ReadGraph(ReadOnlySpan<byte> graph, long opset, OnnxWeightTally weights)
    {
        var initializers = new HashSet<string>(StringComparer.Ordinal);
        var inputs = new List<string>();
        var shapeless = new HashSet<string>(StringComparer.Ordinal);
        var nodes = new List<OnnxNode>();
        var reader = new ProtobufReader(graph);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    nodes.Add(OnnxNode.Read(reader.Bytes));
                    weights.AddNode(reader.Bytes);
                    break;
                case 5:
                    initializers.Add(weights.AddTensor(reader.Bytes));
                    break;
                case 11:
                    inputs.Add(ReadValue(reader.Bytes, shapeless));
                    break;
                case 12:
                    ReadValue(reader.Bytes, shapeless);
                    break;
                case 15:
                    initializers.Add(weights.AddSparse(reader.Bytes));
                    break;
            }
        }

        Dictionary<string, Tensor> defaults = ReadDefaults(graph, [.. inputs.Where(initializers.Contains)]);
        return new OnnxGraph(opset, weights.Bytes, initializers, weights.Files, inputs, defaults, shapeless, nodes);
    }

    /// <summary>A file whose optional inputs are large lists its weights as inputs, as old exporters do: nobody gives those.</summary>
    private static Dictionary<string, Tensor> ReadDefaults(ReadOnlySpan<byte> graph, HashSet<string> names)
    {
        var defaults = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        long bytes = 0;
        var reader = new ProtobufReader(graph);
        while (names.Count > 0 && reader.Next())
        {
            if (reader.Field != 5 || !names.Contains(OnnxWeightTally.NameOf(reader.Bytes)))
            {
                continue;
            }

            bytes += reader.Bytes.Length;
            if (bytes > MaxDefaultBytes || OnnxTensorReader.Read(reader.Bytes) is not { } value)
            {
                return [];
            }

            defaults[value.Name] = value;
        }

        return defaults;
    }

    private static long ReadDefaultOpset(ReadOnlySpan<byte> import)
    {
        var reader = new ProtobufReader(import);
        string domain = "";
        long version = 0;
        while (reader.Next())
        {
            if (reader.Field == 1)
            {
                domain = reader.Text;
            }
            else if (reader.Field == 2)
            {
                version = (long)reader.Number;
            }
        }

        return domain is "" or "ai.onnx" ? version : 0;
    }

    /// <summary>The name of an input or output (ValueInfoProto), noted where it has no shape.</summary>
    private static string ReadValue(ReadOnlySpan<byte> value, HashSet<string> shapeless)
    {
        var reader = new ProtobufReader(value);
        string name = "";
        bool hasShape = false;
        while (reader.Next())
        {
            if (reader.Field == 1)
            {
                name = reader.Text;
            }
            else if (reader.Field == 2)
            {
                // A type holds a tensor's type (1), and that its shape (2).
                Field(Field(reader.Bytes, 1, out _), 2, out bool found);
                hasShape |= found;
            }
        }

        if (!hasShape)
        {
            shapeless.Add(name);
        }

        return name;
    }

    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> message, int field, out bool found)
    {
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader.Field == field)
            {
                found = true;
                return reader.Bytes;
            }
        }

        found = false;
        return default;
    }
}
