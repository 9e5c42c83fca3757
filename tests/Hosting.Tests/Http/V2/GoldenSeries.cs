using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>Metrics text, as far as recordings say what it holds.</summary>
internal sealed partial class GoldenSeries
{
    private readonly Dictionary<string, string> _help = new(StringComparer.Ordinal),
        _type = new(StringComparer.Ordinal);

    private readonly Dictionary<string, double> _values = new(StringComparer.Ordinal);

    public static GoldenSeries Parse(string text)
    {
        var series = new GoldenSeries();
        foreach (string line in text.Split('\n'))
        {
            if (Comment().Match(line) is { Success: true } comment)
            {
                (comment.Groups[1].Value == "HELP" ? series._help : series._type)[comment.Groups[2].Value] = comment.Groups[3].Value;
            }
            else if (Sample().Match(line) is { Success: true } sample)
            {
                IEnumerable<string> labels = Label()
                    .Matches(sample.Groups[3].Value)
                    .Select(label => label.Value)
                    .Order(StringComparer.Ordinal);
                string key = $"{sample.Groups[1].Value}{{{string.Join(',', labels)}}}";
                series._values[key] = double.Parse(sample.Groups[4].Value, CultureInfo.InvariantCulture);
            }
        }

        return series;
    }

    /// <returns>What of the record is not there; null where all is.</returns>
    public string? Missing(JsonElement want)
    {
        if (want.TryGetProperty("families", out JsonElement families))
        {
            foreach (JsonProperty family in families.EnumerateObject())
            {
                bool isThere =
                    _type.GetValueOrDefault(family.Name) == family.Value.GetProperty("type").GetString()
                    && _help.GetValueOrDefault(family.Name) == family.Value.GetProperty("help").GetString();
                if (!isThere)
                {
                    return $"the family {family.Name} is missing or described otherwise";
                }
            }
        }

        return Entries(want, "series")
                .Where(entry =>
                    !_values.TryGetValue(Key(entry), out double value)
                    || (entry.TryGetProperty("value", out JsonElement wanted) && Math.Abs(wanted.GetDouble() - value) > 1e-5)
                )
                .Select(entry => $"{Key(entry)} is missing or has another value")
                .FirstOrDefault()
            ?? Entries(want, "absent")
                .Where(entry => _values.ContainsKey(Key(entry)))
                .Select(entry => $"{Key(entry)} must not be there")
                .FirstOrDefault();
    }

    /// <summary>What has not grown as it was recorded.</summary>
    public string? Difference(JsonElement delta, GoldenSeries after) =>
        delta
            .EnumerateArray()
            .Select(entry => (Key: Key(entry), Want: entry.GetProperty("delta").GetDouble()))
            .Select(entry =>
                (entry.Key, entry.Want, Got: after._values.GetValueOrDefault(entry.Key) - _values.GetValueOrDefault(entry.Key))
            )
            .Where(entry => entry.Want != entry.Got)
            .Select(entry => $"{entry.Key} grew by {entry.Got} instead of {entry.Want}")
            .FirstOrDefault();

    private static IEnumerable<JsonElement> Entries(JsonElement want, string name) =>
        want.TryGetProperty(name, out JsonElement entries) ? entries.EnumerateArray() : [];

    private static string Key(JsonElement entry)
    {
        IEnumerable<string> labels = entry.TryGetProperty("labels", out JsonElement named)
            ? named.EnumerateObject().Select(label => $"{label.Name}=\"{label.Value.GetString()}\"").Order(StringComparer.Ordinal)
            : [];
        return $"{entry.GetProperty("name").GetString()}{{{string.Join(',', labels)}}}";
    }

    [GeneratedRegex(@"^# (HELP|TYPE) (\S+) (.*)$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^([A-Za-z_:][\w:]*)(\{(.*)\})? (\S+)$")]
    private static partial Regex Sample();

    [GeneratedRegex("\\w+=\"(?:[^\"\\\\]|\\\\.)*\"")]
    private static partial Regex Label();
}
