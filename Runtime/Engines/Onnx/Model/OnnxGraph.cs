namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>What Troupe itself reads out of an ONNX file: weights, files it refers to, and the nodes, to know which shapes depend on
/// data.</summary>
/// <param name="Opset">Version of the default operator set.</param>
/// <param name="WeightBytes">Size of the constant tensors, external ones by their declared length.</param>
/// <param name="ExternalFiles">Files that hold external tensors, as the model names them.</param>
/// <param name="Shapeless">Inputs and outputs of which the file declares no shape, not even a rank.</param>
internal sealed record OnnxGraph(
    long Opset,
    long WeightBytes,
    IReadOnlySet<string> Initializers,
    IReadOnlyCollection<string> ExternalFiles,
    IReadOnlyList<string> Inputs,
    IReadOnlySet<string> Shapeless,
    IReadOnlyList<OnnxNode> Nodes
)
{
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

        return new OnnxGraph(opset, weights.Bytes, initializers, weights.Files, inputs, shapeless, nodes);
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
