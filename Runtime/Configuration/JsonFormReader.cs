using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf.Reflection;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Configuration;

/// <summary>Reads the JSON form of messages, as <c>config.json</c> is written, over their descriptors: names as in the schema or in camel
/// case, whole numbers also as texts, enums by name or number, null for what is not given.</summary>
/// <remarks>In time and memory linear in the text. Recursion ends with the schema, of which no message holds itself.</remarks>
internal sealed class JsonFormReader
{
    private readonly ConfigurationText _text;
    private readonly WireBuffer _wire = new();

    private JsonFormReader(ConfigurationText text) => _text = text;

    /// <inheritdoc cref="TextFormatReader.Read"/>
    public static byte[] Read(ConfigurationText text, MessageDescriptor message)
    {
        var json = new Utf8JsonReader(text.Bytes.Span[text.Start..]);
        var reader = new JsonFormReader(text);
        try
        {
            json.Read();
            reader.Expect(ref json, JsonTokenType.StartObject, $"a {message.Name} is one object: begin it with '{{'.");
            reader.ReadFields(ref json, message);
            json.Read();
            return reader._wire.Written.ToArray();
        }
        catch (JsonException broken)
        {
            throw reader.Broken(broken);
        }
        catch (InvalidOperationException)
        {
            throw reader.Fault(ref json, "this text is no Unicode: write it as UTF-8, surrogates in pairs.");
        }
    }

    private void ReadFields(ref Utf8JsonReader json, MessageDescriptor message)
    {
        var given = new GivenFields();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name = json.GetString()!;
            FieldDescriptor field =
                message.Fields.InDeclarationOrder().FirstOrDefault(field => field.Name == name || field.JsonName == name)
                ?? throw Fault(ref json, FieldEncoding.UnknownField(message, name));
            int start = (int)json.TokenStartIndex;
            json.Read();
            if (json.TokenType == JsonTokenType.Null)
            {
                continue;
            }

            if (given.Objection(field, mayRepeat: false) is { } objection)
            {
                throw _text.Fault(_text.Start + start, objection);
            }

            ReadField(ref json, field);
        }
    }

    private void ReadField(ref Utf8JsonReader json, FieldDescriptor field)
    {
        if (field.IsMap)
        {
            Expect(ref json, JsonTokenType.StartObject, FieldEncoding.Wanted(field));
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                int entry = _wire.Begin(field.FieldNumber);
                ReadScalar(ref json, field.MessageType.FindFieldByNumber(1));
                json.Read();
                ReadValue(ref json, field.MessageType.FindFieldByNumber(2));
                _wire.End(entry);
            }
        }
        else if (field.IsRepeated)
        {
            Expect(ref json, JsonTokenType.StartArray, $"'{field.Name}' is a list: write it in '[' and ']'.");
            while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            {
                ReadValue(ref json, field);
            }
        }
        else
        {
            ReadValue(ref json, field);
        }
    }

    private void ReadValue(ref Utf8JsonReader json, FieldDescriptor field)
    {
        if (field.FieldType != FieldType.Message)
        {
            ReadScalar(ref json, field);
            return;
        }

        Expect(ref json, JsonTokenType.StartObject, FieldEncoding.Wanted(field));
        int start = _wire.Begin(field.FieldNumber);
        ReadFields(ref json, field.MessageType);
        _wire.End(start);
    }

    private void ReadScalar(ref Utf8JsonReader json, FieldDescriptor field)
    {
        bool isText = json.TokenType is JsonTokenType.String or JsonTokenType.PropertyName;
        string? problem = field.FieldType switch
        {
            FieldType.String => isText ? Text(json.GetString()!) : FieldEncoding.Wanted(field),
            FieldType.Bool => json.TokenType is JsonTokenType.True or JsonTokenType.False
                ? Boolean(json.TokenType == JsonTokenType.True)
                : FieldEncoding.Wanted(field),
            FieldType.Float or FieldType.Double => Floating(Written(ref json, isText)),
            FieldType.Enum when json.TokenType == JsonTokenType.String => FieldEncoding.WriteEnum(_wire, field, json.GetString()!),
            _ => Integer(Written(ref json, isText)),
        };
        if (problem is not null)
        {
            throw Fault(ref json, problem);
        }

        string? Text(string value)
        {
            _wire.WriteBytes(field.FieldNumber, Encoding.UTF8.GetBytes(value));
            return null;
        }

        string? Boolean(bool value)
        {
            FieldEncoding.WriteBoolean(_wire, field, value);
            return null;
        }

        string? Floating(string written)
        {
            double value = written switch
            {
                "NaN" when isText => double.NaN,
                "Infinity" when isText => double.PositiveInfinity,
                "-Infinity" when isText => double.NegativeInfinity,
                _ => double.TryParse(written, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN,
            };
            if (double.IsNaN(value) && written != "NaN")
            {
                return FieldEncoding.Wanted(field);
            }

            FieldEncoding.WriteFloating(_wire, field, value);
            return null;
        }

        string? Integer(string written)
        {
            const NumberStyles Whole = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
            if (!decimal.TryParse(written, Whole, CultureInfo.InvariantCulture, out decimal value))
            {
                return written.Length > 0 && !written.AsSpan(written[0] == '-' ? 1 : 0).ContainsAnyExceptInRange('0', '9')
                    ? FieldEncoding.OutOfRange(field)
                    : FieldEncoding.Wanted(field);
            }

            return decimal.Truncate(value) != value ? FieldEncoding.Wanted(field)
                : Math.Abs(value) > ulong.MaxValue ? FieldEncoding.OutOfRange(field)
                : field.FieldType == FieldType.Enum ? FieldEncoding.WriteEnum(_wire, field, value < 0, (ulong)Math.Abs(value))
                : FieldEncoding.WriteInteger(_wire, field, value < 0, (ulong)Math.Abs(value));
        }
    }

    /// <summary>A number as it is written, also where it is a text; nothing where it is neither.</summary>
    private static string Written(ref Utf8JsonReader json, bool isText) =>
        isText ? json.GetString()!
        : json.TokenType == JsonTokenType.Number ? Encoding.ASCII.GetString(json.ValueSpan)
        : "";

    private void Expect(ref Utf8JsonReader json, JsonTokenType type, string problem)
    {
        if (json.TokenType != type)
        {
            throw Fault(ref json, problem);
        }
    }

    private ModuleLoadException Fault(ref Utf8JsonReader json, string problem) =>
        _text.Fault(_text.Start + (int)json.TokenStartIndex, problem);

    private ModuleLoadException Broken(JsonException broken)
    {
        ReadOnlySpan<byte> bytes = _text.Bytes.Span[_text.Start..];
        int at = 0;
        for (long line = broken.LineNumber ?? 0; line > 0; line--)
        {
            at += bytes[at..].IndexOf((byte)'\n') + 1;
        }

        int offset = (int)Math.Min(bytes.Length, at + (broken.BytePositionInLine ?? 0));
        string end = offset == bytes.Length ? " The file ends here." : "";
        return _text.Fault(_text.Start + offset, $"this is no JSON.{end} Close what was opened, without comments and trailing commas.");
    }
}
