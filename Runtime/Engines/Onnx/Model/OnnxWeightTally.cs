namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>Adds up the constant tensors of a model wherever they stand (initializers, attributes of nodes, graphs inside nodes), and the
/// files that hold them.</summary>
/// <remarks>What stands in a file outside the model is looked at by ONNX Runtime too, so every place of it has to be known.</remarks>
internal sealed class OnnxWeightTally
{
    /// <summary>Graphs inside nodes of graphs; as deep as protobuf's own readers go.</summary>
    private const int MaxDepth = 100;

    private readonly HashSet<string> _files = new(StringComparer.Ordinal);

    /// <summary>Sizes of the constant tensors, external ones by their declared length.</summary>
    public long Bytes { get; private set; }

    /// <summary>Files that hold external tensors, as the model names them, each once.</summary>
    public IReadOnlyCollection<string> Files => _files;

    public static string NameOf(ReadOnlySpan<byte> tensor)
    {
        var reader = new ProtobufReader(tensor);
        while (reader.Next())
        {
            if (reader.Field == 8)
            {
                return reader.Text;
            }
        }

        return "";
    }

    /// <summary>Adds a tensor (TensorProto).</summary>
    /// <returns>Its name.</returns>
    public string AddTensor(ReadOnlySpan<byte> tensor)
    {
        var reader = new ProtobufReader(tensor);
        string name = "";
        Bytes = checked(Bytes + tensor.Length);
        while (reader.Next())
        {
            if (reader.Field == 8)
            {
                name = reader.Text;
            }
            else if (reader.Field == 13)
            {
                AddEntry(reader.Bytes);
            }
        }

        return name;
    }

    /// <summary>Adds a tensor of which only some values are written down (SparseTensorProto).</summary>
    /// <returns>Its name.</returns>
    public string AddSparse(ReadOnlySpan<byte> sparse)
    {
        var reader = new ProtobufReader(sparse);
        string name = "";
        while (reader.Next())
        {
            if (reader.Field == 1)
            {
                name = AddTensor(reader.Bytes);
            }
            else if (reader.Field == 2)
            {
                AddTensor(reader.Bytes);
            }
        }

        return name;
    }

    /// <summary>Adds what the attributes of a node hold (NodeProto).</summary>
    /// <exception cref="InvalidDataException">Graphs are nested too deeply.</exception>
    public void AddNode(ReadOnlySpan<byte> node, int depth = 0)
    {
        var reader = new ProtobufReader(node);
        while (reader.Next())
        {
            if (reader.Field == 5)
            {
                AddAttribute(reader.Bytes, depth);
            }
        }
    }

    /// <summary>Adds what the nodes of a function of the model hold (FunctionProto).</summary>
    public void AddFunction(ReadOnlySpan<byte> function)
    {
        var reader = new ProtobufReader(function);
        while (reader.Next())
        {
            if (reader.Field == 7)
            {
                AddNode(reader.Bytes);
            }
            else if (reader.Field == 11)
            {
                AddAttribute(reader.Bytes, depth: 0);
            }
        }
    }

    private void AddAttribute(ReadOnlySpan<byte> attribute, int depth)
    {
        var reader = new ProtobufReader(attribute);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 5 or 10:
                    AddTensor(reader.Bytes);
                    break;
                case 6 or 11:
                    AddGraph(reader.Bytes, depth + 1);
                    break;
                case 22 or 23:
                    AddSparse(reader.Bytes);
                    break;
            }
        }
    }

    private void AddGraph(ReadOnlySpan<byte> graph, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new InvalidDataException($"its graphs are nested more than {MaxDepth} deep");
        }

        var reader = new ProtobufReader(graph);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    AddNode(reader.Bytes, depth);
                    break;
                case 5:
                    AddTensor(reader.Bytes);
                    break;
                case 15:
                    AddSparse(reader.Bytes);
                    break;
            }
        }
    }

    private void AddEntry(ReadOnlySpan<byte> entry)
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

        if (key == "location")
        {
            _files.Add(value);
        }
        else if (key == "length" && long.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out long length) && length > 0)
        {
            Bytes = checked(Bytes + length);
        }
    }
}
