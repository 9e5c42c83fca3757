using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>One recorded exchange with a Triton server: what was sent and what came back.</summary>
public sealed partial record GoldenCase(
    string Topic,
    string Name,
    string Path,
    byte[] Body,
    string? HeaderLength,
    int Status,
    JsonElement? Json,
    byte[] Tail,
    bool ExactError
)
{
    public static IEnumerable<GoldenCase> Load(string topic)
    {
        using JsonDocument cases = JsonDocument.Parse(
            File.ReadAllText(System.IO.Path.Combine(AppContext.BaseDirectory, "Golden", topic, "cases.json"))
        );
        return [.. cases.RootElement.EnumerateArray().Select(one => Read(topic, one.Clone()))];
    }

    public override string ToString() => $"{Topic}/{Name}";

    /// <summary>Compares an answer's JSON by value: numbers within 1e-4 relative, integers exactly, member order free.</summary>
    public static bool Same(JsonElement expected, JsonElement actual)
    {
        if (expected.ValueKind == JsonValueKind.String && expected.GetString() is "@NaN" or "@Infinity" or "@-Infinity")
        {
            return actual.ValueKind == JsonValueKind.String && actual.GetString() == expected.GetString();
        }

        return expected.ValueKind switch
        {
            JsonValueKind.Object => actual.ValueKind == JsonValueKind.Object
                && expected.EnumerateObject().Count() == actual.EnumerateObject().Count()
                && expected
                    .EnumerateObject()
                    .All(member => actual.TryGetProperty(member.Name, out JsonElement value) && Same(member.Value, value)),
            JsonValueKind.Array => actual.ValueKind == JsonValueKind.Array
                && expected.GetArrayLength() == actual.GetArrayLength()
                && expected.EnumerateArray().Zip(actual.EnumerateArray()).All(pair => Same(pair.First, pair.Second)),
            JsonValueKind.Number => actual.ValueKind == JsonValueKind.Number && SameNumber(expected.GetRawText(), actual.GetRawText()),
            _ => expected.ToString() == actual.ToString() && expected.ValueKind == actual.ValueKind,
        };
    }

    /// <summary>Parses an answer, whose bare NaN and Infinity no JSON library takes, in the recorded notation.</summary>
    public static JsonElement Parse(ReadOnlySpan<byte> json) =>
        JsonDocument.Parse(BareLiteral().Replace(Encoding.UTF8.GetString(json), match => $"\"@{match.Value}\"")).RootElement.Clone();

    private static bool SameNumber(string expected, string actual)
    {
        if (expected == actual)
        {
            return true;
        }

        double left = double.Parse(expected, CultureInfo.InvariantCulture),
            right = double.Parse(actual, CultureInfo.InvariantCulture);
        bool integral = !expected.AsSpan().ContainsAny('.', 'e', 'E') && !actual.AsSpan().ContainsAny('.', 'e', 'E');
        return !integral && Math.Abs(left - right) <= 1e-4 * Math.Max(Math.Abs(left), Math.Abs(right)) + 1e-6;
    }

    private static GoldenCase Read(string topic, JsonElement one)
    {
        JsonElement request = one.GetProperty("request"),
            response = one.GetProperty("response");
        byte[] body = [.. Bytes(request, "body_text", "body_base64"), .. Bytes(request, "", "body_tail_base64")];
        string? header = null;
        if (request.TryGetProperty("headers", out JsonElement headers) && headers.ValueKind == JsonValueKind.Object)
        {
            header = headers
                .EnumerateObject()
                .Where(one => one.Name.Equals("Inference-Header-Content-Length", StringComparison.OrdinalIgnoreCase))
                .Select(one => one.Value.GetString())
                .FirstOrDefault();
        }

        return new GoldenCase(
            topic,
            one.GetProperty("name").GetString()!,
            request.GetProperty("path").GetString()!,
            body,
            header,
            response.GetProperty("status").GetInt32(),
            response.TryGetProperty("body_json", out JsonElement json) ? json : null,
            Bytes(response, "", "body_tail_base64"),
            one.TryGetProperty("exact_error", out JsonElement exact) && exact.GetBoolean()
        );
    }

    private static byte[] Bytes(JsonElement from, string text, string base64) =>
        text.Length > 0 && from.TryGetProperty(text, out JsonElement plain) && plain.ValueKind == JsonValueKind.String
            ? Encoding.UTF8.GetBytes(plain.GetString()!)
        : from.TryGetProperty(base64, out JsonElement coded) && coded.ValueKind == JsonValueKind.String
            ? Convert.FromBase64String(coded.GetString()!)
        : [];

    [GeneratedRegex(@"(?<=[\[,:])(NaN|-?Infinity)(?=[,\]}])")]
    private static partial Regex BareLiteral();
}
