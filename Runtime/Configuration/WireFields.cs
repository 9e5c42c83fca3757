using System.Buffers.Binary;
using System.Diagnostics;

namespace Troupe.Runtime.Configuration;

/// <summary>A value of the binary form: a number's bits, or the bytes of a text, a message or a packed list.</summary>
internal readonly record struct WireValue(ulong Bits, ReadOnlyMemory<byte> Bytes);

/// <summary>Splits the binary form of a message, as this process has written it, into its fields.</summary>
internal static class WireFields
{
    /// <summary>Values by field number, in the order they were written.</summary>
    public static ILookup<int, WireValue> Split(ReadOnlyMemory<byte> message)
    {
        var values = new List<(int Field, WireValue Value)>();
        while (!message.IsEmpty)
        {
            ulong tag = Varint(ref message);
            values.Add(((int)(tag >> 3), Value((int)(tag & 7), ref message)));
        }

        return values.ToLookup(value => value.Field, value => value.Value);
    }

    /// <summary>The numbers of a packed list.</summary>
    /// <param name="width">Bytes of each; 0 where they say themselves.</param>
    public static IEnumerable<WireValue> Unpack(ReadOnlyMemory<byte> packed, int width)
    {
        while (!packed.IsEmpty)
        {
            yield return width switch
            {
                sizeof(uint) => Value(5, ref packed),
                sizeof(ulong) => Value(1, ref packed),
                _ => Value(0, ref packed),
            };
        }
    }

    private static WireValue Value(int wireType, ref ReadOnlyMemory<byte> rest)
    {
        switch (wireType)
        {
            case 0:
                return new WireValue(Varint(ref rest), default);
            case 1:
                return new WireValue(BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong), ref rest).Span), default);
            case 2:
                return new WireValue(0, Take((int)Varint(ref rest), ref rest));
            case 5:
                return new WireValue(BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint), ref rest).Span), default);
            default:
                throw new UnreachableException();
        }
    }

    private static ulong Varint(ref ReadOnlyMemory<byte> rest)
    {
        ulong value = 0;
        int at = 0;
        ReadOnlySpan<byte> bytes = rest.Span;
        do
        {
            value |= (ulong)(bytes[at] & 0x7F) << (7 * at);
        } while ((bytes[at++] & 0x80) != 0);

        rest = rest[at..];
        return value;
    }

    private static ReadOnlyMemory<byte> Take(int count, ref ReadOnlyMemory<byte> rest)
    {
        ReadOnlyMemory<byte> taken = rest[..count];
        rest = rest[count..];
        return taken;
    }
}
