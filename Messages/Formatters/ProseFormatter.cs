using System.Text;
using MessagePack;
using MessagePack.Formatters;

namespace Troupe.Messages.Formatters;

/// <summary>Writes text for people, clipped to what may travel: a long error of a library must not keep a reply from its caller.</summary>
public sealed class ProseFormatter : IMessagePackFormatter<string?>
{
    public static readonly ProseFormatter Instance = new();

    private const string Ellipsis = "…";

    public void Serialize(ref MessagePackWriter writer, string? value, MessagePackSerializerOptions options) => writer.Write(Clip(value));

    public string? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
        StringFormatter.Instance.Deserialize(ref reader, options);

    /// <summary>The longest beginning of the text that travels, ending in an ellipsis where something was cut off.</summary>
    public static string? Clip(string? text)
    {
        // Three bytes is the most that one UTF-16 unit becomes.
        if (text is null || text.Length <= WireLimits.ProseBytes / 3 || Encoding.UTF8.GetByteCount(text) <= WireLimits.ProseBytes)
        {
            return text;
        }

        int budget = WireLimits.ProseBytes - Encoding.UTF8.GetByteCount(Ellipsis);
        int length = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            budget -= rune.Utf8SequenceLength;
            if (budget < 0)
            {
                break;
            }

            length += rune.Utf16SequenceLength;
        }

        return string.Concat(text.AsSpan(0, length), Ellipsis);
    }
}
