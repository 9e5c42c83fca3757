using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Troupe.Hosting.Startup;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;

namespace Troupe.Hosting.Tests.Http.Server;

/// <summary>What a client does to a connection costs it its answer: never a defect in the log, never another request.</summary>
public sealed class RequestGuardTests
{
    private const string Post = "POST /v2/models/add/infer HTTP/1.1\r\nHost: t\r\nConnection: close\r\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("FFFFFFFFFFFFFFFF\r\n", 400)]
    [InlineData("8000000000000000\r\n", 400)]
    [InlineData("FFFFFFFFFFFFFFFFFFFFFFFF\r\n", 400)]
    [InlineData("nonsense\r\n", 400)]
    [InlineData("2\r\n{}nonsense", 400)]
    [InlineData("-1\r\n", 400)]
    public async Task A_body_that_is_chunked_wrongly_is_400_with_a_reason(string chunks, int status)
    {
        using LogList logs = new();
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel()), logs: logs);

        string answer = await AskAsync(edge, Post + "Transfer-Encoding: chunked\r\n\r\n" + chunks);

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains("{\"error\":\"", answer, StringComparison.Ordinal);
        Assert.Equal(200, (await edge.GetAsync("/v2/health/live")).Status);
        await edge.DisposeAsync();
        Assert.Empty(logs.Errors);
    }

    [Theory]
    [InlineData("/v2/models/add/infer")]
    [InlineData("/v2/repository/index")]
    public async Task A_chunked_body_above_the_limit_is_400_and_no_defect(string path)
    {
        using LogList logs = new();
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel()), logs: logs);
        string chunk = $"40000\r\n{new string(' ', 0x40000)}\r\n";

        string answer = await AskAsync(
            edge,
            $"POST {path} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n{string.Concat(Enumerable.Repeat(chunk, 8))}0\r\n\r\n"
        );

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("the request body is larger than 1048576 bytes", answer, StringComparison.Ordinal);
        await edge.DisposeAsync();
        Assert.Empty(logs.Errors);
    }

    [Theory]
    [InlineData("Content-Length: 100\r\n\r\n{\"inputs\"", false)]
    [InlineData("Content-Length: 100\r\n\r\n{\"inputs\"", true)]
    [InlineData("Content-Length: 100\r\n\r\n", true)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n64\r\n{\"inputs\"", false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n64\r\n{\"inputs\"", true)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", true)]
    public async Task An_upload_that_breaks_off_is_no_defect(string rest, bool reset)
    {
        using LogList logs = new();
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel()), logs: logs);
        for (int i = 0; i < 4; i++)
        {
            using Socket client = await ConnectAsync(edge);
            await client.SendAsync(Encoding.ASCII.GetBytes(Post + rest), Cancellation);

            // The node has begun to read before the client goes: it answers another one meanwhile.
            Assert.Equal(200, (await edge.GetAsync("/v2/health/live")).Status);
            if (reset)
            {
                client.LingerState = new LingerOption(true, 0);
            }

            client.Close();
        }

        Assert.Equal(200, (await edge.GetAsync("/v2/health/live")).Status);
        await edge.DisposeAsync();
        Assert.Empty(logs.Errors);
    }

    [Theory]
    [InlineData("GET http://node:8000/v2/health/live HTTP/1.1", 200)]
    [InlineData("GET http://node/v2/health/live?x=http://y HTTP/1.1", 200)]
    [InlineData("GET http://node HTTP/1.1", 404)]
    [InlineData("GET http://node/ HTTP/1.1", 404)]
    [InlineData("GET /x://v2/health/live HTTP/1.1", 404)]
    public async Task A_target_with_its_host_is_the_same_target(string line, int status)
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode());
        string host = line.Contains("node:8000", StringComparison.Ordinal) ? "node:8000" : "node";

        Assert.StartsWith(
            $"HTTP/1.1 {status} ",
            await AskAsync(edge, $"{line}\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(FailureKind.Draining, true)]
    [InlineData(FailureKind.QueueFull, false)]
    public async Task Whoever_is_told_to_go_elsewhere_is_let_go(FailureKind kind, bool closed)
    {
        FakeNode node = new(FakeNode.FixedModel()) { Answer = forward => new ForwardReply.Failed(forward.Id, kind, "so it is") };
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        using HttpRequestMessage request = new(HttpMethod.Post, "/v2/models/fixed/infer")
        {
            Content = new StringContent("""{"inputs":[{"name":"INPUT0","datatype":"INT64","shape":[2,3],"data":[1,2,3,4,5,6]}]}"""),
        };

        using HttpResponseMessage answer = await edge.SendAsync(request);

        Assert.Equal((503, closed), ((int)answer.StatusCode, answer.Headers.ConnectionClose == true));
    }

    [Fact]
    public void A_line_of_the_log_as_json_has_its_time()
    {
        TextWriter console = Console.Out;
        using StringWriter written = new();
        try
        {
            Console.SetOut(written);
            using ILoggerFactory logs = Logs.Open(LogLevel.Information, Hosting.Options.LogFormat.Json, toStandardError: false);
            logs.CreateLogger("test").LogInformation("said");
        }
        finally
        {
            Console.SetOut(console);
        }

        System.Text.Json.JsonElement line = System.Text.Json.JsonDocument.Parse(written.ToString()).RootElement;
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Assert.InRange(line.GetProperty("Timestamp").GetDateTimeOffset(), now.AddHours(-1), now);
    }

    private static async Task<Socket> ConnectAsync(EdgeFixture edge)
    {
        Socket client = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(edge.Url.Host, edge.Url.Port, Cancellation);
        return client;
    }

    /// <summary>Sends and reads until the node closes.</summary>
    private static async Task<string> AskAsync(EdgeFixture edge, string request)
    {
        using Socket client = await ConnectAsync(edge);
        await client.SendAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        using StreamReader reader = new(new NetworkStream(client));
        return await reader.ReadToEndAsync(Cancellation);
    }

    /// <summary>Keeps what is logged as an error.</summary>
    private sealed class LogList : ILoggerProvider, ILoggerFactory, ILogger
    {
        private readonly List<string> _errors = [];

        public IReadOnlyList<string> Errors
        {
            get
            {
                lock (_errors)
                {
                    return [.. _errors];
                }
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel level, EventId id, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(level))
            {
                lock (_errors)
                {
                    _errors.Add($"{formatter(state, exception)} {exception}");
                }
            }
        }

        public void Dispose() { }
    }
}
