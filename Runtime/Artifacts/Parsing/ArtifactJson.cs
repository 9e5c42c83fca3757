using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>A JSON value of an artifact with its place, read strictly: each wrong kind is an error that names the place. Keys nobody asks
/// for are passed over, as newer writers add some.</summary>
internal readonly struct ArtifactJson(JsonElement element, string where)
{
    public JsonElement Element => element;

    public string Where => where;

    /// <summary>Parses within the limits; a key that stands twice is an error.</summary>
    public static JsonDocument Parse(ReadOnlyMemory<byte> bytes, string where)
    {
        if (bytes.Length > ArtifactLimits.Default.JsonBytes)
        {
            throw ArtifactException.TooLarge(
                where,
                $"the JSON has {bytes.Length} bytes; at most {ArtifactLimits.Default.JsonBytes} are read"
            );
        }

        try
        {
            return JsonDocument.Parse(
                bytes,
                new JsonDocumentOptions { MaxDepth = ArtifactLimits.Default.JsonDepth, AllowDuplicateProperties = false }
            );
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            throw new ArtifactException(
                ArtifactFault.Corrupt,
                where,
                $"the JSON is broken: {Shown.Of(failure.Message)}",
                ArtifactException.SaveAgain + ".",
                failure
            );
        }
    }

    /// <summary>A key that must be there.</summary>
    public ArtifactJson At(string key) => Find(key) ?? throw ArtifactException.Missing(where, $"'{key}' is missing");

    /// <summary>A key that may be missing or null.</summary>
    public ArtifactJson? Find(string key)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }

        return element.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new ArtifactJson(value, $"{where}.{key}")
            : null;
    }

    public string Text(string key) => At(key).Text();

    public string TextOr(string key, string otherwise) => Find(key)?.Text() ?? otherwise;

    public string Text()
    {
        try
        {
            return element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Wrong("a text");
        }
        catch (InvalidOperationException failure)
        {
            throw NotUnicode(failure);
        }
    }

    /// <summary>A text as bytes, unescaped: engines are too large to become .NET strings first.</summary>
    public ReadOnlyMemory<byte> Utf8()
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            throw Wrong("a text");
        }

        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(element);
        return raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(Text()) : raw[1..^1].ToArray();
    }

    public bool? Flag(string key) =>
        Find(key) is not { } value
            ? null
            : value.Element.ValueKind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                _ => throw value.Wrong("true or false"),
            };

    public long Number() =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long number) ? number : throw Wrong("a whole number");

    /// <summary>A whole number from 0 that fits 32 bits; null where the key is missing.</summary>
    public int? Ordinal(string key) =>
        Find(key) is not { } value ? null
        : value.Number() is >= 0 and <= int.MaxValue and var number ? (int)number
        : throw value.Wrong("a whole number from 0");

    public IEnumerable<ArtifactJson> Items(string key, bool required) => (required ? At(key) : Find(key))?.Items() ?? [];

    public IReadOnlyList<ArtifactJson> Items()
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("a list");
        }

        int count = element.GetArrayLength();
        if (count > ArtifactLimits.Default.GraphItems)
        {
            throw ArtifactException.TooLarge(where, $"the list has {count} items; at most {ArtifactLimits.Default.GraphItems} are read");
        }

        var items = new List<ArtifactJson>(count);
        foreach (JsonElement item in element.EnumerateArray())
        {
            items.Add(new ArtifactJson(item, $"{where}[{items.Count}]"));
        }

        return items;
    }

    /// <summary>The keys of an object with their values.</summary>
    public IReadOnlyList<Member> Members()
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }

        var members = new List<Member>();
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (members.Count == ArtifactLimits.Default.GraphItems)
            {
                throw ArtifactException.TooLarge(where, $"the object has more than {ArtifactLimits.Default.GraphItems} keys");
            }

            string name = Name(property);
            members.Add(new Member(name, new ArtifactJson(property.Value, $"{where}.{Shown.Of(name)}")));
        }

        return members;
    }

    /// <summary>A union of the export schema: an object with one key that is not null.</summary>
    public (string Case, ArtifactJson Value) Union()
    {
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in element.EnumerateObject())
            {
                if (property.Value.ValueKind != JsonValueKind.Null)
                {
                    string name = Name(property);
                    return (name, new ArtifactJson(property.Value, $"{where}.{Shown.Of(name)}"));
                }
            }
        }

        throw Wrong("an object with one key");
    }

    public ArtifactException Wrong(string expected) => ArtifactException.Corrupt(where, $"the value is {Kind()}, not {expected}");

    private string Name(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException failure)
        {
            throw NotUnicode(failure);
        }
    }

    private ArtifactException NotUnicode(InvalidOperationException failure) =>
        new(ArtifactFault.Corrupt, where, "the text is not valid Unicode", ArtifactException.SaveAgain + ".", failure);

    private string Kind() =>
        element.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            JsonValueKind.String => "a text",
            JsonValueKind.Number => $"the number {Shown.Of(element.GetRawText())}",
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            JsonValueKind.Null or JsonValueKind.Undefined => "null",
        };

    /// <summary>A key and its value.</summary>
    public readonly record struct Member(string Name, ArtifactJson Value);
}
