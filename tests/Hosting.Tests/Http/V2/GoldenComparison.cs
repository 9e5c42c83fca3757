using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>Compares JSON with what was recorded, as the recordings' <c>replay.py --lenient</c> does: by value, floating point within 1e-4,
/// what a case calls volatile not at all.</summary>
internal sealed class GoldenComparison(JsonElement golden, bool isError)
{
    private readonly Regex[] _volatile = Paths(golden, "volatile"),
        _unordered = [.. Paths(golden, "unordered"), .. Paths("$.outputs")],
        _superset = Paths(golden, "superset");

    private readonly bool _moreKeys = golden.TryGetProperty("extra_keys", out _),
        _isExact = golden.TryGetProperty("exact_error", out JsonElement exact) && exact.GetBoolean();

    /// <returns>What differs; null where nothing does.</returns>
    public string? Difference(JsonElement want, JsonElement got, string path = "$")
    {
        if (_volatile.Any(one => one.IsMatch(path)))
        {
            return null;
        }

        return want.ValueKind switch
        {
            JsonValueKind.Object => got.ValueKind == JsonValueKind.Object ? OfObjects(want, got, path) : Other(want, got, path),
            JsonValueKind.Array => got.ValueKind == JsonValueKind.Array ? OfArrays(want, got, path) : Other(want, got, path),
            JsonValueKind.Number => got.ValueKind == JsonValueKind.Number && SameNumber(want.GetRawText(), got.GetRawText())
                ? null
                : Other(want, got, path),
            _ => want.ValueKind == got.ValueKind && want.ToString() == got.ToString() ? null : Other(want, got, path),
        };
    }

    private string? OfObjects(JsonElement want, JsonElement got, string path)
    {
        foreach (JsonProperty member in want.EnumerateObject())
        {
            string at = $"{path}.{member.Name}";
            if (!got.TryGetProperty(member.Name, out JsonElement value))
            {
                return $"{at} is missing";
            }

            bool isText = isError && !_isExact && member.Name == "error" && member.Value.ToString().Length > 0;
            string? difference =
                !isText ? Difference(member.Value, value, at)
                : value.ValueKind == JsonValueKind.String && value.ToString().Length > 0 ? null
                : $"{at} is no error text";
            if (difference is not null)
            {
                return difference;
            }
        }

        return _moreKeys
            ? null
            : got.EnumerateObject()
                .Where(member => !want.TryGetProperty(member.Name, out _) && !_volatile.Any(one => one.IsMatch($"{path}.{member.Name}")))
                .Select(member => $"{path}.{member.Name} was not expected")
                .FirstOrDefault();
    }

    private string? OfArrays(JsonElement want, JsonElement got, string path)
    {
        bool mayHaveMore = _superset.Any(one => one.IsMatch(path));
        if (!mayHaveMore && want.GetArrayLength() != got.GetArrayLength())
        {
            return $"{path} has {got.GetArrayLength()} elements instead of {want.GetArrayLength()}";
        }

        if (!mayHaveMore && !_unordered.Any(one => one.IsMatch(path)))
        {
            return want.EnumerateArray()
                .Zip(got.EnumerateArray(), (one, other) => (one, other))
                .Select((pair, index) => Difference(pair.one, pair.other, $"{path}[{index}]"))
                .FirstOrDefault(difference => difference is not null);
        }

        List<JsonElement> left = [.. got.EnumerateArray()];
        int at = 0;
        foreach (JsonElement one in want.EnumerateArray())
        {
            int found = left.FindIndex(other => Difference(one, other, $"{path}[{at}]") is null);
            if (found < 0)
            {
                return $"{path} has no element equal to {Short(one)}";
            }

            left.RemoveAt(found);
            at++;
        }

        return null;
    }

    private static bool SameNumber(string want, string got)
    {
        if (!want.AsSpan().ContainsAny('.', 'e', 'E'))
        {
            return want == got;
        }

        double left = double.Parse(want, CultureInfo.InvariantCulture),
            right = double.Parse(got, CultureInfo.InvariantCulture);
        return left == right || Math.Abs(left - right) <= (1e-4 * Math.Max(Math.Abs(left), Math.Abs(right))) + 1e-5;
    }

    private static string Other(JsonElement want, JsonElement got, string path) => $"{path} is {Short(got)} instead of {Short(want)}";

    private static string Short(JsonElement value) => value.GetRawText() is { Length: > 160 } text ? text[..160] + "…" : value.GetRawText();

    private static Regex[] Paths(JsonElement golden, string name) =>
        golden.TryGetProperty(name, out JsonElement paths) ? Paths([.. paths.EnumerateArray().Select(path => path.GetString()!)]) : [];

    private static Regex[] Paths(params string[] paths) =>
        [
            .. paths.Select(path => new Regex(
                Regex
                    .Escape(path)
                    .Replace(@"\[\*]", @"\[\d+\]", StringComparison.Ordinal)
                    .Replace(@"\.\*", @"\.[^.\[\]]+", StringComparison.Ordinal) + "$"
            )),
        ];
}
