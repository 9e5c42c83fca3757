using System.Text;
using System.Text.Json;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>Replays recorded exchanges over sockets, each with what has to be sent before and after it, and says what differs.</summary>
/// <param name="http">Address of the edge.</param>
/// <param name="metrics">Address of the metrics.</param>
internal sealed class GoldenReplay(string http, string metrics)
{
    /// <summary>The one topic of a server whose models nobody loads by request.</summary>
    public const string NoneTopic = "repository_none";

    /// <summary>The cases of a topic that this replay can send.</summary>
    public static JsonElement[] Load(string topic) =>
        [
            .. LoadAll(topic)
                .Where(one =>
                    !one.TryGetProperty("method", out _)
                    && one.TryGetProperty("mode", out _) == (topic == NoneTopic)
                    && !one.TryGetProperty("shm", out _)
                ),
        ];

    /// <summary>The cases of a topic as they were recorded.</summary>
    public static JsonElement[] LoadAll(string topic)
    {
        using JsonDocument cases = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", topic, "cases.json"))
        );
        return [.. cases.RootElement.EnumerateArray().Select(one => one.Clone())];
    }

    /// <returns>What differs from the record; null where nothing does.</returns>
    public async Task<string?> DifferenceAsync(JsonElement golden, CancellationToken cancellation)
    {
        try
        {
            GoldenSeries? before = await SeriesAsync(golden, cancellation);
            string address = golden.TryGetProperty("port", out _) ? metrics : http;
            GoldenAnswer answer;
            if (golden.TryGetProperty("keep_alive", out JsonElement alive) && alive.GetBoolean())
            {
                using GoldenClient client = GoldenClient.Connect(address);
                foreach (JsonElement request in Requests(golden, "setup"))
                {
                    await client.AskAsync(request, cancellation);
                }

                answer = await client.AskAsync(golden.GetProperty("request"), cancellation);
            }
            else
            {
                await SendAsync(Requests(golden, "setup"), cancellation);
                answer = await GoldenClient.AskAsync(address, golden.GetProperty("request"), cancellation);
            }

            string? grown = before?.Difference(golden.GetProperty("metrics_delta"), (await SeriesAsync(golden, cancellation))!);
            return grown ?? Difference(golden, answer);
        }
        finally
        {
            await SendAsync(Requests(golden, "teardown"), cancellation);
        }
    }

    private static IEnumerable<JsonElement> Requests(JsonElement golden, string name) =>
        golden.TryGetProperty(name, out JsonElement requests) ? requests.EnumerateArray() : [];

    private async Task SendAsync(IEnumerable<JsonElement> requests, CancellationToken cancellation)
    {
        foreach (JsonElement request in requests)
        {
            await GoldenClient.AskAsync(http, request, cancellation);
        }
    }

    private async Task<GoldenSeries?> SeriesAsync(JsonElement golden, CancellationToken cancellation)
    {
        if (!golden.TryGetProperty("metrics_delta", out _))
        {
            return null;
        }

        using JsonDocument request = JsonDocument.Parse("""{"method":"GET","path":"/metrics"}""");
        GoldenAnswer answer = await GoldenClient.AskAsync(metrics, request.RootElement, cancellation);
        return GoldenSeries.Parse(Encoding.UTF8.GetString(answer.Body));
    }

    /// <summary>The lenient bar: 400 passes where Triton says 500, the label of an error is free, and so is the order of outputs.</summary>
    private static string? Difference(JsonElement golden, GoldenAnswer answer)
    {
        JsonElement want = golden.GetProperty("response");
        int status = want.GetProperty("status").GetInt32();
        bool isError = status >= 400;
        if (answer.Status != status && !(status == 500 && answer.Status == 400))
        {
            return $"status {answer.Status} instead of {status}: {Encoding.UTF8.GetString(answer.Body.AsSpan(0, Math.Min(160, answer.Body.Length)))}";
        }

        JsonElement headers = want.GetProperty("headers");
        foreach (JsonProperty header in headers.EnumerateObject())
        {
            string name = header.Name.ToLowerInvariant();
            string? got = answer.Header(name);
            bool differs = name switch
            {
                "content-type" => !isError && Kind(header.Value.GetString()!) != Kind(got ?? ""),
                "content-encoding" => header.Value.GetString() != got,
                _ => false,
            };
            if (differs)
            {
                return $"{name}: {got} instead of {header.Value}";
            }
        }

        const string Length = "inference-header-content-length";
        int head = answer.Header(Length) is { } length
            ? int.Parse(length, System.Globalization.CultureInfo.InvariantCulture)
            : answer.Body.Length;
        return
            headers.EnumerateObject().Any(header => header.Name.Equals(Length, StringComparison.OrdinalIgnoreCase))
            != (answer.Header(Length) is not null)
            ? "the header length is there or not"
            : Body(golden, want, answer.Body.AsSpan(0, head), answer.Body.AsSpan(head), isError);
    }

    private static string? Body(JsonElement golden, JsonElement want, ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail, bool isError)
    {
        if (want.TryGetProperty("body_metrics", out JsonElement series))
        {
            return GoldenSeries.Parse(Encoding.UTF8.GetString(head)).Missing(series);
        }

        if (want.TryGetProperty("body_base64", out _) || want.TryGetProperty("body_text", out _))
        {
            return head.SequenceEqual(GoldenClient.BodyOf(want)) ? null : $"the body is {Encoding.UTF8.GetString(head)}";
        }

        if (!want.TryGetProperty("body_json", out JsonElement json))
        {
            return want.TryGetProperty("body_events", out _) ? "events are not replayed" : null;
        }

        JsonElement got;
        try
        {
            got = GoldenCase.Parse(head);
        }
        catch (JsonException)
        {
            return $"no JSON: {Encoding.UTF8.GetString(head)}";
        }

        byte[] wanted = want.TryGetProperty("body_tail_base64", out JsonElement tails) ? Convert.FromBase64String(tails.GetString()!) : [];
        return new GoldenComparison(golden, isError).Difference(json, got) ?? GoldenTail.Difference(json, wanted, got, tail);
    }

    private static string Kind(string contentType) => contentType.Split(';')[0].Trim().ToLowerInvariant();
}
