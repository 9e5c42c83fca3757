using System.Buffers.Binary;
using Troupe.Messages.Tensors;
using TensorElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>Reads the values of a small tensor that stands in an ONNX file (TensorProto).</summary>
internal static class OnnxTensorReader
{
    /// <summary>Null where the values lie in another file, are of a type that no tensor here has, or do not fill the shape.</summary>
    public static Tensor? Read(ReadOnlySpan<byte> tensor)
    {
        var dimensions = new List<long>();
        using var values = new MemoryStream();
        (string name, ElementType? type) = ("", TypeOf(tensor));
        int width = type is { } known and not ElementType.Bytes ? (int)known.ByteCount(1) : 0;
        var reader = new ProtobufReader(tensor);
        while (type is not null && reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    AddNumbers(reader, number => dimensions.Add((long)number));
                    break;
                case 4 or 10 when reader.Bytes.IsEmpty:
                    Add(values, reader.Number, width);
                    break;
                case 4 or 9 or 10:
                    values.Write(reader.Bytes);
                    break;
                case 5 or 7 or 11:
                    AddNumbers(reader, number => Add(values, number, width));
                    break;
                case 6:
                    values.Write(BytesElements.Single(reader.Bytes));
                    break;
                case 8:
                    name = reader.Text;
                    break;
            }
        }

        if (type is null || dimensions.Count > TensorShape.MaxRank || dimensions.Exists(dimension => dimension < 0))
        {
            return null;
        }

        var shape = new TensorShape([.. dimensions]);
        byte[] data = values.ToArray();
        return TensorValidation.Check(type.Value, shape, data) is null ? new Tensor(name, type.Value, shape, data) : null;
    }

    private static ElementType? TypeOf(ReadOnlySpan<byte> tensor)
    {
        var reader = new ProtobufReader(tensor);
        while (reader.Next())
        {
            // ONNX Runtime numbers element types as the format does.
            if (reader.Field == 2)
            {
                return OnnxElementTypes.TryParse((TensorElementType)reader.Number, out ElementType type) ? type : null;
            }
        }

        return null;
    }

    /// <summary>Numbers of a repeated field, each by itself or all in a row.</summary>
    private static void AddNumbers(in ProtobufReader reader, Action<ulong> add)
    {
        if (reader.Bytes.IsEmpty)
        {
            add(reader.Number);
            return;
        }

        (ulong value, int shift) = (0, 0);
        foreach (byte next in reader.Bytes)
        {
            value |= shift < 64 ? (ulong)(next & 0x7F) << shift : 0;
            shift += 7;
            if (next < 0x80)
            {
                add(value);
                (value, shift) = (0, 0);
            }
        }
    }

    private static void Add(MemoryStream values, ulong number, int width)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        values.Write(bytes[..width]);
    }
}
