namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>What Troupe itself reads out of an ONNX file: weights, files it refers to, and the nodes, to know which shapes depend on
/// data.</summary>
/// <param name="Opset">Version of the default operator set.</param>
/// <param name="WeightBytes">Size of the initializers, external ones by their declared length.</param>
/// <param name="ExternalFiles">Files that hold external initializers, as the model names them.</param>
internal sealed record OnnxGraph(
    long Opset,
    long WeightBytes,
    IReadOnlySet<string> Initializers,
    IReadOnlyList<string> ExternalFiles,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<OnnxNode> Nodes
)
{
    /// <exception cref="InvalidDataException">The bytes are not an ONNX model.</exception>
    public static OnnxGraph Read(ReadOnlySpan<byte> model)
    {
        var reader = new ProtobufReader(model);
        ReadOnlySpan<byte> graph = default;
        bool hasGraph = false;
        long opset = 0;
        while (reader.Next())
        {
            if (reader.Field == 7)
            {
                graph = reader.Bytes;
                hasGraph = true;
            }
            else if (reader.Field == 8)
            {
                opset = Math.Max(opset, ReadDefaultOpset(reader.Bytes));
            }
        }

        return hasGraph ? ReadGraph(graph, opset) : throw new InvalidDataException("it holds no graph");
    }

    private static OnnxGraph ReadGraph(ReadOnlySpan<byte> graph, long opset)
    {
        var initializers = new HashSet<string>(StringComparer.Ordinal);
        var external = new List<string>();
        var inputs = new List<string>();
        var nodes = new List<OnnxNode>();
        long weightBytes = 0;
        var reader = new ProtobufReader(graph);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    nodes.Add(OnnxNode.Read(reader.Bytes));
                    break;
                case 5:
                    weightBytes = checked(weightBytes + ReadInitializer(reader.Bytes, initializers, external));
                    break;
                case 11:
                    inputs.Add(ReadName(reader.Bytes));
                    break;
            }
        }

        return new OnnxGraph(opset, weightBytes, initializers, external, inputs, nodes);
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

    private static long ReadInitializer(ReadOnlySpan<byte> tensor, HashSet<string> names, List<string> external)
    {
        var reader = new ProtobufReader(tensor);
        long bytes = tensor.Length;
        while (reader.Next())
        {
            if (reader.Field == 8)
            {
                names.Add(reader.Text);
            }
            else if (reader.Field == 13)
            {
                (string key, string value) = ReadEntry(reader.Bytes);
                if (key == "location")
                {
                    external.Add(value);
                }
                else if (
                    key == "length"
                    && long.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out long length)
                    && length > 0
                )
                {
                    bytes = checked(bytes + length);
                }
            }
        }

        return bytes;
    }

    private static (string Key, string Value) ReadEntry(ReadOnlySpan<byte> entry)
    {
        var reader = new ProtobufReader(entry);
        (string key, string value) = ("", "");
        while (reader.Next())
        {
            if (reader.Field == 1)
            {
                key = reader.Text;
            }
            else if (reader.Field == 2)
            {
                value = reader.Text;
            }
        }

        return (key, value);
    }

    private static string ReadName(ReadOnlySpan<byte> valueInfo)
    {
        var reader = new ProtobufReader(valueInfo);
        while (reader.Next())
        {
            if (reader.Field == 1)
            {
                return reader.Text;
            }
        }

        return "";
    }
}
