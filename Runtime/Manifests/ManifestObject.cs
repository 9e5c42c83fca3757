using System.Text.Json;
using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Manifests;

/// <summary>Reads one JSON object of a manifest key by key, and refuses keys nobody asked for, so that a typing error never passes
/// unseen.</summary>
/// <param name="where">Path of the object for errors, e.g. <c>module.json: segments[1]</c>.</param>
internal sealed class ManifestObject(JsonElement element, string where)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public string Where => where;

    public static ManifestObject Of(JsonElement element, string where) =>
        element.ValueKind == JsonValueKind.Object
            ? new ManifestObject(element, where)
            : throw Wrong(where, $"is {Kind(element)}, not an object");

    public string Text(string key)
    {
        JsonElement value = Required(key);
        return value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : throw Wrong($"{where}.{key}", $"is {Kind(value)}, not a text");
    }

    public int Integer(string key, int otherwise) =>
        !TryGet(key, out JsonElement value) ? otherwise
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number
        : throw Wrong($"{where}.{key}", $"is {Kind(value)}, not a whole number");

    /// <summary>A number of bytes or the like, from 0; null where the key is absent.</summary>
    public long? Count(string key) =>
        !TryGet(key, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= 0 ? number
        : throw Wrong($"{where}.{key}", $"is {Kind(value)}, not a whole number from 0");

    public bool? Flag(string key) =>
        !TryGet(key, out JsonElement value) ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Wrong($"{where}.{key}", $"is {Kind(value)}, not true or false");

    /// <summary>The elements of an array with their places; null where the key is absent.</summary>
    public List<(JsonElement Element, string Where)>? Array(string key)
    {
        if (!TryGet(key, out JsonElement value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            throw Wrong($"{where}.{key}", $"is {Kind(value)}, not a list");
        }

        var elements = new List<(JsonElement, string)>(value.GetArrayLength());
        foreach (JsonElement element in value.EnumerateArray())
        {
            elements.Add((element, $"{where}.{key}[{elements.Count}]"));
        }

        return elements;
    }

    public List<(JsonElement Element, string Where)> RequiredArray(string key) => Array(key) ?? throw Missing(key);

    /// <summary>Call after the last key was read.</summary>
    public void RefuseOtherKeys()
    {
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!_known.Contains(property.Name))
            {
                throw Wrong(where, $"has the unknown key '{property.Name}'; known are {string.Join(", ", _known)}");
            }
        }
    }

    public static ModuleLoadException Wrong(string where, string what) => new(FailureKind.InvalidModel, $"{where} {what}.");

    public static string Kind(JsonElement element) =>
        element.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            JsonValueKind.String => $"the text '{element.GetString()}'",
            JsonValueKind.Number => $"the number {element.GetRawText()}",
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            JsonValueKind.Null or JsonValueKind.Undefined => "null",
        };

    private JsonElement Required(string key) => TryGet(key, out JsonElement value) ? value : throw Missing(key);

    private bool TryGet(string key, out JsonElement value)
    {
        _known.Add(key);
        return element.TryGetProperty(key, out value);
    }

    private ModuleLoadException Missing(string key) => Wrong(where, $"lacks '{key}'");
}
