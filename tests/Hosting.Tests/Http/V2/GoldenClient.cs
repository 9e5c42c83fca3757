using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>An answer as it came over the socket.</summary>
internal sealed record GoldenAnswer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>A header's value; its name is lower case.</summary>
    public string? Header(string name) => Headers.GetValueOrDefault(name);
}

/// <summary>Sends recorded requests as they were recorded: paths that no library would leave alone, headers, chunks.</summary>
internal sealed class GoldenClient : IDisposable
{
    private readonly TcpClient _client;
    private readonly NetworkStream _stream;

    private GoldenClient(string address)
    {
        string[] parts = address.Split(':');
        _client = new TcpClient(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture)) { NoDelay = true };
        _stream = _client.GetStream();
    }

    public static GoldenClient Connect(string address) => new(address);

    public void Dispose() => _client.Dispose();

    /// <summary>One exchange on a connection of its own.</summary>
    public static async Task<GoldenAnswer> AskAsync(string address, JsonElement request, CancellationToken cancellation)
    {
        using var client = new GoldenClient(address);
        return await client.AskAsync(request, cancellation);
    }

    public async Task<GoldenAnswer> AskAsync(JsonElement request, CancellationToken cancellation)
    {
        string method = request.GetProperty("method").GetString()!;
        byte[] body = BodyOf(request);
        bool isChunked = request.TryGetProperty("chunked", out JsonElement chunked) && chunked.GetBoolean();
        var head = new StringBuilder($"{method} {request.GetProperty("path").GetString()} HTTP/1.1\r\nHost: localhost\r\n");
        bool hasLength = false;
        if (request.TryGetProperty("headers", out JsonElement headers))
        {
            foreach (JsonProperty header in headers.EnumerateObject())
            {
                hasLength |= header.Name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase);
                head.Append(CultureInfo.InvariantCulture, $"{header.Name}: {header.Value.GetString()}\r\n");
            }
        }

        if (isChunked)
        {
            head.Append("Transfer-Encoding: chunked\r\n");
        }
        else if (!hasLength && (body.Length > 0 || method is "POST" or "PUT" or "PATCH"))
        {
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {body.Length}\r\n");
        }

        await _stream.WriteAsync(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), cancellation);
        await _stream.WriteAsync(isChunked ? Chunks(body) : body, cancellation);
        return await ReadAsync(method == "HEAD", cancellation);
    }

    /// <summary>The bytes of a recorded part: text or base64, then its binary tail.</summary>
    public static byte[] BodyOf(JsonElement part) => [.. Part(part, "body_base64") ?? Text(part), .. Part(part, "body_tail_base64") ?? []];

    private static byte[]? Part(JsonElement part, string name) =>
        part.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? Convert.FromBase64String(value.GetString()!)
            : null;

    private static byte[] Text(JsonElement part) =>
        part.TryGetProperty("body_text", out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? Encoding.UTF8.GetBytes(text.GetString()!)
            : [];

    private static byte[] Chunks(byte[] body)
    {
        int half = Math.Max(1, body.Length / 2);
        using var chunks = new MemoryStream();
        foreach (
            ReadOnlyMemory<byte> chunk in new[]
            {
                body.AsMemory(0, Math.Min(half, body.Length)),
                body.AsMemory(Math.Min(half, body.Length)),
            }
        )
        {
            if (chunk.Length > 0)
            {
                chunks.Write(Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"));
                chunks.Write(chunk.Span);
                chunks.Write("\r\n"u8);
            }
        }

        chunks.Write("0\r\n\r\n"u8);
        return chunks.ToArray();
    }

    private async Task<GoldenAnswer> ReadAsync(bool isHead, CancellationToken cancellation)
    {
        string[] status = (await LineAsync(cancellation)).Split(' ');
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await LineAsync(cancellation) is { Length: > 0 } line)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon].ToLowerInvariant()] = line[(colon + 1)..].Trim();
        }

        byte[] body =
            isHead ? []
            : headers.TryGetValue("content-length", out string? length)
                ? await BytesAsync(int.Parse(length, CultureInfo.InvariantCulture), cancellation)
            : headers.ContainsKey("transfer-encoding") ? await ChunksAsync(cancellation)
            : [];
        return new GoldenAnswer(int.Parse(status[1], CultureInfo.InvariantCulture), headers, body);
    }

    private async Task<byte[]> ChunksAsync(CancellationToken cancellation)
    {
        List<byte> body = [];
        while (int.Parse(await LineAsync(cancellation), NumberStyles.HexNumber, CultureInfo.InvariantCulture) is > 0 and var size)
        {
            body.AddRange(await BytesAsync(size, cancellation));
            await LineAsync(cancellation);
        }

        await LineAsync(cancellation);
        return [.. body];
    }

    private async Task<byte[]> BytesAsync(int count, CancellationToken cancellation)
    {
        byte[] bytes = new byte[count];
        await _stream.ReadExactlyAsync(bytes, cancellation);
        return bytes;
    }

    private async Task<string> LineAsync(CancellationToken cancellation)
    {
        var line = new StringBuilder();
        byte[] one = new byte[1];
        while (true)
        {
            await _stream.ReadExactlyAsync(one, cancellation);
            if (one[0] == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            line.Append((char)one[0]);
        }
    }
}
