using System.Buffers.Binary;
using System.Buffers.Text;
using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>Turns the <c>data</c> of a tensor from JSON into bytes.</summary>
/// <remarks>
/// As Triton reads it: nesting is ignored, only the number of elements counts; integers must be written as integers, those out of range of
/// an
/// 8, 16 or 32 bit type wrap; a 32 bit float overflows to infinity. FP16, BF16, FP8 and INT4 have no JSON form.
/// </remarks>
internal static class TensorJsonReader
{
    private const string Mismatch = "Unable to parse 'data': Shape does not match true shape of 'data' field";

    /// <summary>Reads the value at the cursor into <paramref name="elements"/> elements, row-major, little-endian, on lease.</summary>
    public static TensorPayload Read(ref JsonCursor cursor, ElementType type, long elements, string input, RequestMemory memory)
    {
        if (!HasJsonForm(type))
        {
            throw ProtocolException.Bad(
                $"receiving {type.ProtocolName()} data via JSON is not supported. Please use the binary data format for input '{input}'"
            );
        }

        if (cursor.Peek() != JsonKind.Array)
        {
            throw ProtocolException.Bad("Unable to parse 'data': attempt to access JSON non-array as array");
        }

        if (type == ElementType.Bytes)
        {
            return ReadStrings(ref cursor, elements, input, memory);
        }

        // A declared shape reserves nothing: each element takes at least one byte of text, so a larger shape is wrong already.
        int size = type.BitCount() / 8;
        using ResponseBody data = new(memory.Host, budget: memory.Budget);
        ReadElements(ref cursor, type, size, elements, data);
        return data.Count == elements * size ? new TensorPayload.Leased(data.Detach(), elements) : throw ProtocolException.Bad(Mismatch);
    }

    /// <summary>Elements of the value at the cursor, whatever its nesting.</summary>
    public static long Count(ref JsonCursor cursor)
    {
        if (cursor.Peek() != JsonKind.Array)
        {
            cursor.SkipValue();
            return 1;
        }

        long count = 0;
        cursor.EnterArray();
        for (bool first = true; cursor.NextElement(first); first = false)
        {
            count += Count(ref cursor);
        }

        return count;
    }

    /// <summary>False for the types that travel in binary alone.</summary>
    public static bool HasJsonForm(ElementType type) =>
        type is not (ElementType.Fp16 or ElementType.Bf16 or ElementType.Fp8 or ElementType.Int4);

    private static void ReadElements(ref JsonCursor cursor, ElementType type, int size, long limit, ResponseBody data)
    {
        if (cursor.Peek() == JsonKind.Array)
        {
            cursor.EnterArray();
            for (bool first = true; cursor.NextElement(first); first = false)
            {
                ReadElements(ref cursor, type, size, limit, data);
            }

            return;
        }

        if (data.Count >= limit * size)
        {
            throw ProtocolException.Bad(Mismatch);
        }

        ReadElement(ref cursor, type, data.GetSpan(size));
        data.Advance(size);
    }

    private static void ReadElement(ref JsonCursor cursor, ElementType type, Span<byte> target)
    {
        JsonKind kind = cursor.Peek();
        switch (type)
        {
            case ElementType.Bool:
                target[0] = kind is JsonKind.True or JsonKind.False ? (byte)(cursor.ReadBoolean() ? 1 : 0) : throw NotA("boolean");
                break;
            case ElementType.Fp32:
                BinaryPrimitives.WriteSingleLittleEndian(target, (float)Double(ref cursor, kind));
                break;
            case ElementType.Fp64:
                BinaryPrimitives.WriteDoubleLittleEndian(target, Double(ref cursor, kind));
                break;
            case ElementType.UInt8 or ElementType.UInt16 or ElementType.UInt32 or ElementType.UInt64:
                WriteLow(target, type, Unsigned(ref cursor, kind));
                break;
            case ElementType.Int8 or ElementType.Int16 or ElementType.Int32 or ElementType.Int64:
                WriteLow(target, type, unchecked((ulong)Signed(ref cursor, kind)));
                break;
            case ElementType.Bytes or ElementType.Fp16 or ElementType.Bf16 or ElementType.Fp8 or ElementType.Int4:
                throw new ArgumentOutOfRangeException(nameof(type), type, "This type is not read element by element.");
        }
    }

    private static double Double(ref JsonCursor cursor, JsonKind kind) =>
        kind == JsonKind.Number
            ? cursor.ToDouble(cursor.ReadNumber())
            : throw ProtocolException.Bad("Unable to parse 'data': attempt to access JSON non-number as double");

    private static ulong Unsigned(ref JsonCursor cursor, JsonKind kind)
    {
        ReadOnlySpan<byte> number = kind == JsonKind.Number ? cursor.ReadNumber() : default;
        return Utf8Parser.TryParse(number, out ulong value, out int used) && used == number.Length ? value : throw NotA("unsigned-integer");
    }

    private static long Signed(ref JsonCursor cursor, JsonKind kind)
    {
        ReadOnlySpan<byte> number = kind == JsonKind.Number ? cursor.ReadNumber() : default;
        return Utf8Parser.TryParse(number, out long value, out int used) && used == number.Length ? value : throw NotA("signed-integer");
    }

    private static void WriteLow(Span<byte> target, ElementType type, ulong value)
    {
        switch (type.BitCount())
        {
            case 8:
                target[0] = unchecked((byte)value);
                break;
            case 16:
                BinaryPrimitives.WriteUInt16LittleEndian(target, unchecked((ushort)value));
                break;
            case 32:
                BinaryPrimitives.WriteUInt32LittleEndian(target, unchecked((uint)value));
                break;
            default:
                BinaryPrimitives.WriteUInt64LittleEndian(target, value);
                break;
        }
    }

    private static TensorPayload.Leased ReadStrings(ref JsonCursor cursor, long elements, string input, RequestMemory memory)
    {
        using ResponseBody data = new(memory.Host, budget: memory.Budget);
        long count = 0;
        ReadStrings(ref cursor, data, ref count);
        return count == elements
            ? new TensorPayload.Leased(data.Detach(), elements)
            : throw ProtocolException.Bad(
                $"unexpected number of string elements {count} for inference input '{input}', expecting {elements}"
            );
    }

    private static void ReadStrings(ref JsonCursor cursor, ResponseBody data, ref long count)
    {
        switch (cursor.Peek())
        {
            case JsonKind.Array:
                cursor.EnterArray();
                for (bool first = true; cursor.NextElement(first); first = false)
                {
                    ReadStrings(ref cursor, data, ref count);
                }

                break;
            case JsonKind.String:
                ReadOnlySpan<byte> raw = cursor.ReadRawString(out bool escaped);
                Span<byte> element = data.GetSpan(4 + raw.Length);
                int length = raw.Length;
                if (escaped)
                {
                    length = cursor.Unescape(raw, element[4..]);
                }
                else
                {
                    raw.CopyTo(element[4..]);
                }

                BinaryPrimitives.WriteInt32LittleEndian(element, length);
                data.Advance(4 + length);
                count++;
                break;
            case JsonKind.Object or JsonKind.Number or JsonKind.True or JsonKind.False or JsonKind.Null:
                throw ProtocolException.Bad("Unable to parse JSON bytes array: attempt to access JSON non-string as string");
        }
    }

    private static ProtocolException NotA(string kind) =>
        ProtocolException.Bad($"Unable to parse 'data': attempt to access JSON non-{kind} as {kind}");
}
