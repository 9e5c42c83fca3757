using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Troupe.Cluster.Tests;

/// <summary>Requests a stranger may send, each made from a seed: broken HTTP, broken JSON, wrong sizes, wrong names, at every
/// endpoint.</summary>
internal static class HostileRequest
{
    private static readonly string[] Places =
    [
        "POST /v2/models/fmnist/infer",
        "POST /v2/models/fmnist/infer",
        "POST /v2/models/fmnist/infer",
        "POST /v2/models/fmnist/versions/1/infer",
        "POST /v2/repository/index",
        "POST /v2/repository/models/nobody/load",
        "POST /v2/repository/models/nobody/unload",
        "POST /v2/troupe/models/nobody/load",
        "POST /v2/troupe/modes/set",
        "POST /v2/troupe/modes/enter",
        "POST /v2/troupe/modes/renew",
        "POST /v2/troupe/sessions",
        "DELETE /v2/troupe/modes/set",
        "GET /v2/models/fmnist",
        "GET /v2/troupe/modes",
        "PATCH /v2/models/fmnist/infer",
    ];

    private static readonly string[] Values =
    [
        "null",
        "-1",
        "[]",
        "{}",
        "\"\"",
        "18446744073709551615",
        "18446744073709551616",
        "1e999",
        "-9223372036854775809",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]",
        "2147483648",
        "[1,1,28,2147483647]",
        "[9223372036854775807,9223372036854775807]",
        "[-1,1,28,28]",
        "[1,1,28,28.5]",
        "true",
        "\"FP8\"",
        "\"BYTES\"",
    ];

    private static readonly string[] Headers =
    [
        "Content-Length: 99999999999999999999",
        "Content-Length: -1",
        "Transfer-Encoding: chunked",
        "Inference-Header-Content-Length: 99999999999",
        "Inference-Header-Content-Length: -5",
        "Inference-Header-Content-Length: 3",
        "Content-Encoding: gzip",
        "Content-Type: application/octet-stream",
        "traceparent: " + new string('0', 600),
        "Troupe-Timeout: 0s",
        "Troupe-Timeout: 99999999999999d",
        "Expect: 100-continue",
    ];

    public static byte[] Of(int seed)
    {
        var random = new Random(seed);
        string place = Places[random.Next(Places.Length)];
        string body = Body(random, place);
        byte[] content = Encoding.UTF8.GetBytes(body);
        if (random.Next(4) == 0 && content.Length > 0)
        {
            content[random.Next(content.Length)] ^= (byte)(1 << random.Next(8));
        }

        if (random.Next(6) == 0)
        {
            content = content[..random.Next(content.Length + 1)];
        }

        var head = new StringBuilder();
        head.Append(place).Append(random.Next(20) == 0 ? "?gpu=99999999999&model=%zz" : "").Append(" HTTP/1.1\r\nHost: localhost\r\n");
        string extra = random.Next(3) == 0 ? Headers[random.Next(Headers.Length)] : "";
        if (extra.Length > 0)
        {
            head.Append(extra).Append("\r\n");
        }

        bool chunked = extra.StartsWith("Transfer-Encoding", StringComparison.Ordinal);
        if (!chunked && !extra.StartsWith("Content-Length", StringComparison.Ordinal))
        {
            // Now and then more is announced than comes.
            int announced = content.Length + (random.Next(25) == 0 ? 7 : 0);
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {announced}\r\n");
        }

        if (chunked)
        {
            string size = random.Next(2) == 0 ? "FFFFFFFFFFFFFFFF" : content.Length.ToString("X", CultureInfo.InvariantCulture);
            return
            [
                .. Encoding.ASCII.GetBytes($"{head}\r\n{size}\r\n"),
                .. content,
                .. Encoding.ASCII.GetBytes(random.Next(2) == 0 ? "\r\n0\r\n\r\n" : ""),
            ];
        }

        byte[] whole = [.. Encoding.ASCII.GetBytes($"{head}\r\n"), .. content];
        if (random.Next(30) == 0)
        {
            whole[random.Next(whole.Length)] = (byte)random.Next(256);
        }

        return whole;
    }

    /// <summary>Sends the bytes on a connection of its own, then half-closes; the status of the first answer, 0 where there was none, and
    /// the answer's text.</summary>
    public static async Task<(int Status, string Text)> Send(Uri node, byte[] request, CancellationToken cancellation)
    {
        // Reset instead of a graceful close: a hundred thousand connections would otherwise wait for their time to be over.
        using var client = new TcpClient { LingerState = new LingerOption(true, 0), NoDelay = true };
        await client.ConnectAsync(node.Host, node.Port, cancellation);
        NetworkStream stream = client.GetStream();
        byte[] answer = new byte[8192];
        int length = 0;
        try
        {
            await stream.WriteAsync(request, cancellation);
            client.Client.Shutdown(SocketShutdown.Send);
            while (length < answer.Length && await stream.ReadAsync(answer.AsMemory(length), cancellation) is > 0 and int read)
            {
                length += read;
            }
        }
        catch (IOException)
        {
            // The server closed while the request was still being sent: whatever it answered before stands.
        }

        string text = Encoding.UTF8.GetString(answer, 0, length);
        return text.StartsWith("HTTP/1.", StringComparison.Ordinal) && text.Length > 12 && int.TryParse(text.AsSpan(9, 3), out int status)
            ? (status, text)
            : (0, text);
    }

    private static string Body(Random random, string place)
    {
        string Value() => Values[random.Next(Values.Length)];
        string Or(string right) => random.Next(5) == 0 ? Value() : right;
        if (place.Contains("/infer", StringComparison.Ordinal))
        {
            int count = random.Next(3) == 0 ? random.Next(2000) : 784;
            string data = string.Join(',', Enumerable.Repeat(random.Next(10) == 0 ? Value() : "0", count));
            string input = $$"""
                {"name":{{Or("\"image\"")}},"datatype":{{Or("\"FP32\"")}},"shape":{{Or("[1,1,28,28]")}},"data":{{Or(
                    $"[{data}]"
                )}},"parameters":{{Or("{}")}}}
                """;
            string inputs = string.Join(',', Enumerable.Repeat(input, random.Next(6) == 0 ? random.Next(4) : 1));
            string outputs = random.Next(4) == 0 ? $$""","outputs":[{"name":{{Or("\"logits\"")}},"parameters":{{Or("{}")}}}]""" : "";
            string parameters = random.Next(4) == 0 ? $$""","parameters":{"timeout":{{Value()}},"priority":{{Value()}}}""" : "";
            return $$"""{"id":{{Or("\"1\"")}},"inputs":[{{inputs}}]{{outputs}}{{parameters}}}""";
        }

        string scope = $$"""{"model":{{Or("\"fmnist\"")}},"gpu":{{Or("\"x/0\"")}}}""";
        return random.Next(4) switch
        {
            0 => Value(),
            1 => $$"""{"scope":{{scope}},"change":{"cuda-graphs":{{Value()}} },"lease":{{Value()}}}""",
            2 => $$"""{"ready":{{Value()}},"parameters":{"path":{{Value()}},"config":{{Value()}} } }""",
            _ => $$"""{"lease":{{Value()}},"lease":{{Value()}},{{Value()}}:{{Value()}}}""",
        };
    }
}
