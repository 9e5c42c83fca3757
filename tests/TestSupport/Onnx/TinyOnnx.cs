using System.Runtime.InteropServices;
using System.Text;

namespace Troupe.TestSupport.Onnx;

/// <summary>Writes small ONNX models without a library, so that tests can make exactly the model they need, broken ones included.</summary>
public sealed class TinyOnnx
{
    private readonly MemoryStream _graph = new();
    private readonly long _opset;

    /// <param name="opset">Version of the default operator set.</param>
    public TinyOnnx(long opset = 17)
    {
        _opset = opset;
        Text(_graph, 2, "tiny");
    }

    /// <summary>Element types by their numbers in the ONNX format.</summary>
    public enum Element
    {
        Float = 1,
        UInt8 = 2,
        Int8 = 3,
        UInt16 = 4,
        Int16 = 5,
        Int32 = 6,
        Int64 = 7,
        String = 8,
        Bool = 9,
        Float16 = 10,
        Double = 11,
        UInt32 = 12,
        UInt64 = 13,
        BFloat16 = 16,
        Int4 = 22,
    }

    /// <summary>A dimension is a number or a name.</summary>
    public TinyOnnx Input(string name, Element type, params object[] shape) => Value(11, name, type, shape);

    public TinyOnnx Output(string name, Element type, params object[] shape) => Value(12, name, type, shape);

    public TinyOnnx Node(string @operator, string[] inputs, string[] outputs, params (string Name, long Value)[] attributes)
    {
        using var node = new MemoryStream();
        Array.ForEach(inputs, input => Text(node, 1, input));
        Array.ForEach(outputs, output => Text(node, 2, output));
        Text(node, 4, @operator);
        foreach ((string name, long value) in attributes)
        {
            using var attribute = new MemoryStream();
            Text(attribute, 1, name);
            Number(attribute, 3, value);
            Number(attribute, 20, 2);
            Message(node, 5, attribute);
        }

        Message(_graph, 1, node);
        return this;
    }

    public TinyOnnx Constant(string name, float[] values, params long[] shape) =>
        Constant(name, Element.Float, MemoryMarshal.AsBytes<float>(values), shape);

    public TinyOnnx Constant(string name, long[] values, params long[] shape) =>
        Constant(name, Element.Int64, MemoryMarshal.AsBytes<long>(values), shape);

    /// <summary>An initializer of strings.</summary>
    public TinyOnnx Constant(string name, string[] values, params long[] shape)
    {
        using MemoryStream tensor = Tensor(name, Element.String, shape);
        Array.ForEach(values, value => Text(tensor, 6, value));
        Message(_graph, 5, tensor);
        return this;
    }

    /// <summary>An initializer whose bytes lie in another file.</summary>
    public TinyOnnx External(string name, Element type, string location, long bytes, params long[] shape)
    {
        using MemoryStream tensor = Tensor(name, type, shape);
        foreach (
            (string key, string value) in new[]
            {
                ("location", location),
                ("offset", "0"),
                ("length", bytes.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            }
        )
        {
            using var entry = new MemoryStream();
            Text(entry, 1, key);
            Text(entry, 2, value);
            Message(tensor, 13, entry);
        }

        Number(tensor, 14, 1);
        Message(_graph, 5, tensor);
        return this;
    }

    /// <summary>The bytes of the model.</summary>
    public byte[] ToBytes()
    {
        using var model = new MemoryStream();
        Number(model, 1, 8);
        Text(model, 2, "TinyOnnx");
        Message(model, 7, _graph);
        using var opset = new MemoryStream();
        Text(opset, 1, "");
        Number(opset, 2, _opset);
        Message(model, 8, opset);
        return model.ToArray();
    }

    /// <summary>Writes the model and returns its path.</summary>
    public string Save(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, ToBytes());
        return path;
    }

    private TinyOnnx Constant(string name, Element type, ReadOnlySpan<byte> bytes, long[] shape)
    {
        using MemoryStream tensor = Tensor(name, type, shape);
        Bytes(tensor, 9, bytes);
        Message(_graph, 5, tensor);
        return this;
    }

    private static MemoryStream Tensor(string name, Element type, long[] shape)
    {
        var tensor = new MemoryStream();
        Array.ForEach(shape, dimension => Number(tensor, 1, dimension));
        Number(tensor, 2, (long)type);
        Text(tensor, 8, name);
        return tensor;
    }

    private TinyOnnx Value(int field, string name, Element type, object[] shape)
    {
        using var dimensions = new MemoryStream();
        foreach (object dimension in shape)
        {
            using var written = new MemoryStream();
            if (dimension is string symbol)
            {
                Text(written, 2, symbol);
            }
            else
            {
                Number(written, 1, Convert.ToInt64(dimension, System.Globalization.CultureInfo.InvariantCulture));
            }

            Message(dimensions, 1, written);
        }

        using var tensor = new MemoryStream();
        Number(tensor, 1, (long)type);
        Message(tensor, 2, dimensions);
        using var wrapped = new MemoryStream();
        Message(wrapped, 1, tensor);
        using var value = new MemoryStream();
        Text(value, 1, name);
        Message(value, 2, wrapped);
        Message(_graph, field, value);
        return this;
    }

    private static void Text(MemoryStream target, int field, string text) => Bytes(target, field, Encoding.UTF8.GetBytes(text));

    private static void Message(MemoryStream target, int field, MemoryStream message) => Bytes(target, field, message.ToArray());

    private static void Bytes(MemoryStream target, int field, ReadOnlySpan<byte> bytes)
    {
        Varint(target, ((ulong)field << 3) | 2);
        Varint(target, (ulong)bytes.Length);
        target.Write(bytes);
    }

    private static void Number(MemoryStream target, int field, long value)
    {
        Varint(target, (ulong)field << 3);
        Varint(target, (ulong)value);
    }

    private static void Varint(MemoryStream target, ulong value)
    {
        while (value >= 0x80)
        {
            target.WriteByte((byte)(value | 0x80));
            value >>= 7;
        }

        target.WriteByte((byte)value);
    }
}
