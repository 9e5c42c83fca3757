using System.Buffers.Text;
using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>Single values of a request's JSON, each with Triton's words for what is not one.</summary>
internal static class RequestValue
{
    public static TensorShape ReadShape(ref JsonCursor cursor)
    {
        RequireArray(ref cursor, "shape");
        Span<long> dimensions = stackalloc long[TensorShape.MaxRank];
        int rank = 0;
        for (bool first = true; cursor.NextElement(first); first = false)
        {
            if (rank == TensorShape.MaxRank)
            {
                throw ProtocolException.Bad($"Unable to parse 'shape': a tensor has at most {TensorShape.MaxRank} dimensions");
            }

            ulong dimension = ReadUnsigned(ref cursor, "shape");
            dimensions[rank++] =
                dimension <= long.MaxValue
                    ? (long)dimension
                    : throw ProtocolException.Bad($"Unable to parse 'shape': the dimension {dimension} is more than a request can carry");
        }

        return new TensorShape(dimensions[..rank]);
    }

    /// <summary>The name of a tensor; one of the model's is not made anew.</summary>
    /// <param name="isKnown">The model has it.</param>
    public static string ReadName(ref JsonCursor cursor, IReadOnlyList<TensorSpec> known, out bool isKnown)
    {
        if (cursor.Peek() != JsonKind.String)
        {
            throw NotA("name", "string");
        }

        ReadOnlySpan<byte> raw = cursor.ReadRawString(out bool escaped);
        string? written = escaped ? cursor.Text(raw, escaped) : null;
        isKnown = true;
        for (int i = 0; i < known.Count; i++)
        {
            string name = known[i].Name;
            if (written is null ? Utf8Text.Equals(raw, name) : string.Equals(written, name, StringComparison.Ordinal))
            {
                return name;
            }
        }

        isKnown = false;
        return written ?? cursor.Text(raw, escaped);
    }

    public static string ReadDatatype(ref JsonCursor cursor)
    {
        if (cursor.Peek() != JsonKind.String)
        {
            throw NotA("datatype", "string");
        }

        ReadOnlySpan<byte> raw = cursor.ReadRawString(out bool escaped);
        return escaped ? cursor.Text(raw, escaped) : KnownNames.Datatype(raw) ?? cursor.Text(raw, escaped);
    }

    public static void RequireArray(ref JsonCursor cursor, string member)
    {
        if (cursor.Peek() != JsonKind.Array)
        {
            throw ProtocolException.Bad($"Unable to parse '{member}': attempt to access JSON non-array as array");
        }

        cursor.EnterArray();
    }

    public static ulong ReadUnsigned(ref JsonCursor cursor, string member)
    {
        ReadOnlySpan<byte> number = cursor.Peek() == JsonKind.Number ? cursor.ReadNumber() : default;
        return Utf8Parser.TryParse(number, out ulong value, out int used) && used == number.Length
            ? value
            : throw NotA(member, "unsigned-integer");
    }

    public static bool ReadBoolean(ref JsonCursor cursor, string member) =>
        cursor.Peek() is JsonKind.True or JsonKind.False ? cursor.ReadBoolean() : throw NotA(member, "boolean");

    public static ProtocolException Missing(string member) =>
        ProtocolException.Bad($"Unable to parse '{member}': attempt to access non-existing object member '{member}'");

    public static ProtocolException SharedMemory() =>
        ProtocolException.Bad("shared memory is not supported by this server: send the tensor as binary or JSON data");

    public static ProtocolException NotA(string member, string kind) =>
        ProtocolException.Bad($"Unable to parse '{member}': attempt to access JSON non-{kind} as {kind}");
}
