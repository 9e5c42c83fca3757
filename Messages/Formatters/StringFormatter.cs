using System.Text;
using MessagePack;
using MessagePack.Formatters;

namespace Troupe.Messages.Formatters;

/// <summary>Reads text strictly: bounded before anything is allocated, and only well-formed UTF-8.</summary>
internal sealed class StringFormatter : IMessagePackFormatter<string?>
{
    public static readonly StringFormatter Instance = new();

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public void Serialize(ref MessagePackWriter writer, string? value, MessagePackSerializerOptions options) => writer.Write(value);

    public string? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        if (reader.ReadStringSequence() is not { } utf8)
        {
            return null;
        }

        return utf8.Length <= WireLimits.ProseBytes
            ? Strict.GetString(utf8)
            : throw new MessagePackSerializationException($"A text of {utf8.Length} bytes; at most {WireLimits.ProseBytes} are read.");
    }
}
