using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Troupe.Hosting.Http.Admin;

/// <summary>The value of a mode in a body, as text: written as a string, read from a string, a flag or a number alike.</summary>
[JsonConverter(typeof(Converter))]
internal readonly record struct ModeValueText(string Text)
{
    /// <summary>Reads what the parameters of a V2 request take too.</summary>
    internal sealed class Converter : JsonConverter<ModeValueText>
    {
        public override bool HandleNull => true;

        public override ModeValueText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(
                reader.TokenType switch
                {
                    JsonTokenType.String => reader.GetString()!,
                    JsonTokenType.True => "on",
                    JsonTokenType.False => "off",
                    JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan),
                    JsonTokenType.Null => "",
                    _ => throw new JsonException("A mode is text, a flag or a number."),
                }
            );

        public override void Write(Utf8JsonWriter writer, ModeValueText value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.Text);
    }
}
