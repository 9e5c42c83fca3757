using System.Buffers.Binary;
using System.Text;

namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>Walks the fields of one protobuf message in place: enough of the format to look into an ONNX file before ONNX Runtime sees
/// it.</summary>
/// <remarks>Every length is checked against what is left; malformed bytes are an <see cref="InvalidDataException"/>, never a read beyond
/// the end.</remarks>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>Number of the field the reader stands at.</summary>
    public int Field { get; private set; }

    /// <summary>Value of a numeric field.</summary>
    public ulong Number { get; private set; }

    /// <summary>Content of a length-delimited field (text, bytes, message, packed numbers); empty for numeric ones.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    public readonly string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>Goes to the next field; false at the end.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        ulong tag = Varint();
        Field = (int)Math.Min(tag >> 3, int.MaxValue);
        Bytes = default;
        Number = 0;
        switch (tag & 7)
        {
            case 0:
                Number = Varint();
                break;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(ReadBytes(8));
                break;
            case 2:
                Bytes = ReadBytes(Varint());
                break;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(4));
                break;
            default:
                throw new InvalidDataException($"wire type {tag & 7} of field {Field} is not one of protobuf's");
        }

        return true;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte next = ReadBytes(1)[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("a number is longer than ten bytes");
    }

    private ReadOnlySpan<byte> ReadBytes(ulong count)
    {
        if (count > (ulong)_rest.Length)
        {
            throw new InvalidDataException($"{count} bytes are announced where {_rest.Length} are left");
        }

        ReadOnlySpan<byte> taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }
}
