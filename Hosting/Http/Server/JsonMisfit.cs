using System.Text.Json.Serialization.Metadata;

namespace Troupe.Hosting.Http.Server;

/// <summary>Says why JSON is not the document that was asked for: which member, and what stands there instead.</summary>
internal static class JsonMisfit
{
    /// <param name="path">Where reading ended, as <c>System.Text.Json</c> writes it: <c>$.scope.node</c>.</param>
    public static string Of(JsonTypeInfo document, string? path)
    {
        JsonTypeInfo place = document;
        string written = "";
        foreach (string member in Members(path ?? "$"))
        {
            written = written.Length == 0 ? member : $"{written}.{member}";
            if (place.Kind == JsonTypeInfoKind.Object)
            {
                JsonPropertyInfo? property = place.Properties.FirstOrDefault(one => one.Name == member);
                if (property is null)
                {
                    return $"there is no member '{written}'; known are {string.Join(", ", place.Properties.Select(one => one.Name))}";
                }

                place = place.Options.GetTypeInfo(property.PropertyType);
            }
            else if (place.ElementType is { } element)
            {
                place = place.Options.GetTypeInfo(element);
            }
        }

        return $"{(written.Length == 0 ? "it" : $"'{written}'")} is not {Kind(place)}";
    }

    /// <summary><c>$.a.b[2]['c d']</c> as its names.</summary>
    private static IEnumerable<string> Members(string path) =>
        path.TrimStart('$').Split(['.', '[', ']'], StringSplitOptions.RemoveEmptyEntries).Select(member => member.Trim('\''));

    private static string Kind(JsonTypeInfo type)
    {
        Type read = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        return read == typeof(string) ? "text"
            : read == typeof(int) ? "a whole number"
            : type.Kind == JsonTypeInfoKind.Enumerable ? "a list"
            : type.Kind == JsonTypeInfoKind.None ? "text, a flag or a number"
            : "an object";
    }
}
