using System.Buffers.Text;
using Troupe.Hosting.Edge;

namespace Troupe.Hosting.Http.V2;

/// <summary>The parameters of a request: those of the protocol get a type of their own, the others are kept for whom they
/// concern.</summary>
internal static class RequestParameters
{
    public static void Scan(ref JsonCursor cursor, RequestScan scan)
    {
        if (cursor.Peek() != JsonKind.Object)
        {
            throw RequestValue.NotA("parameters", "object");
        }

        cursor.EnterObject();
        for (bool first = true; cursor.NextMember(first, out string name); first = false)
        {
            if (name == "binary_data_output")
            {
                scan.BinaryByDefault = RequestValue.ReadBoolean(ref cursor, name);
                continue;
            }

            if (name.StartsWith("triton_", StringComparison.Ordinal))
            {
                throw ProtocolException.Bad($"parameter keys starting with 'triton_' are reserved for internal use. Found: '{name}'");
            }

            InferParameter parameter = cursor.Peek() switch
            {
                JsonKind.String => new InferParameter(name, Text: cursor.ReadString()),
                JsonKind.True or JsonKind.False => new InferParameter(name, Flag: cursor.ReadBoolean()),
                JsonKind.Number => ReadNumber(ref cursor, name),
                JsonKind.Object or JsonKind.Array or JsonKind.Null => throw ProtocolException.Bad(
                    $"parameter '{name}' has invalid type. It should be either 'int', 'bool', 'string' or 'double'."
                ),
            };
            Keep(scan, parameter);
        }
    }

    /// <summary>Parameters that mean something to the protocol have a type of their own.</summary>
    private static void Keep(RequestScan scan, in InferParameter parameter)
    {
        switch (parameter.Name)
        {
            case "timeout":
                scan.TimeoutMicroseconds = Unsigned(parameter);
                break;
            case "priority":
                scan.Priority = Unsigned(parameter);
                break;
            case "sequence_id" when parameter.Text is null && !(parameter.Integer >= 0):
                throw ProtocolException.Bad("Unable to parse 'sequence_id': it is an unsigned integer or a string");
            case "sequence_id" when parameter.Text is { Length: > 128 }:
                throw ProtocolException.Bad("Unable to parse 'sequence_id': a string has at most 128 characters");
            case "sequence_start" or "sequence_end" when parameter.Flag is null:
                throw RequestValue.NotA(parameter.Name, "boolean");
            default:
                scan.Parameters.Add(parameter);
                break;
        }
    }

    private static ulong Unsigned(in InferParameter parameter) =>
        parameter.Integer is { } value && value >= 0 ? (ulong)value : throw RequestValue.NotA(parameter.Name, "unsigned-integer");

    private static InferParameter ReadNumber(ref JsonCursor cursor, string name)
    {
        ReadOnlySpan<byte> number = cursor.ReadNumber();
        return Utf8Parser.TryParse(number, out long integer, out int used) && used == number.Length
                ? new InferParameter(name, Integer: integer)
            : Utf8Parser.TryParse(number, out ulong large, out used) && used == number.Length ? new InferParameter(name, Integer: large)
            : new InferParameter(name, Number: cursor.ToDouble(number));
    }
}
