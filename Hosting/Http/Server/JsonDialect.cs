using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Troupe.Hosting.Http.Server;

/// <summary>The one way in which JSON is written and read here, by every endpoint and by <c>--json</c>: snake_case, nothing for null, no
/// unknown members, and no escapes but those JSON needs.</summary>
internal static class JsonDialect
{
    /// <summary>For the options of every generated context.</summary>
    public const JsonKnownNamingPolicy Naming = JsonKnownNamingPolicy.SnakeCaseLower;

    /// <inheritdoc cref="Naming"/>
    public const JsonIgnoreCondition Nulls = JsonIgnoreCondition.WhenWritingNull;

    /// <inheritdoc cref="Naming"/>
    public const JsonUnmappedMemberHandling Unknown = JsonUnmappedMemberHandling.Disallow;

    private static readonly JsonWriterOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>A document as UTF-8.</summary>
    public static ReadOnlyMemory<byte> Bytes<T>(T document, JsonTypeInfo<T> type) =>
        Bytes(writer => JsonSerializer.Serialize(writer, document, type));

    /// <summary>JSON that is written by hand, as UTF-8.</summary>
    public static ReadOnlyMemory<byte> Bytes(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new(512);
        using (Utf8JsonWriter writer = new(buffer, Plain))
        {
            write(writer);
        }

        return buffer.WrittenMemory;
    }

    /// <summary>Text without the byte order mark that some editors put before it.</summary>
    public static ReadOnlyMemory<byte> WithoutMark(ReadOnlyMemory<byte> utf8) => utf8.Span.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;

    /// <summary>What is wrong with text that is no JSON, and where, without what it was read into.</summary>
    public static string Trouble(JsonException broken)
    {
        int end = broken.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        string what = (end < 0 ? broken.Message : broken.Message[..end]).TrimEnd('.', ' ');
        return broken.LineNumber is { } line ? $"{what} at line {line + 1}, byte {broken.BytePositionInLine + 1}" : what;
    }

    /// <summary>A document as one line of text.</summary>
    public static string Line<T>(T document, JsonTypeInfo<T> type) => Encoding.UTF8.GetString(Bytes(document, type).Span);
}
