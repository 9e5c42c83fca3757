using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Actors.Models;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Tests.Http;

/// <summary>The real edge on a real loopback socket over a fake node.</summary>
internal sealed class EdgeFixture : IAsyncDisposable
{
    private readonly KestrelListener _listener;
    private readonly HttpClient _client;

    private EdgeFixture(FakeNode node, NodeEdge edge, KestrelListener listener)
    {
        (Node, Edge, _listener) = (node, edge, listener);
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://{listener.Address}") };
    }

    public FakeNode Node { get; }

    public NodeEdge Edge { get; }

    public Uri Url => _client.BaseAddress!;

    public static async Task<EdgeFixture> StartAsync(
        FakeNode node,
        IModelRepository? repository = null,
        long maxRequestBytes = 1 << 20,
        ILoggerFactory? logs = null,
        bool requestTimeouts = false,
        long maxRequestMemory = 1 << 30
    )
    {
        HostMemory memory = new();
        NodeEdge edge = new(
            node,
            new ModelLedgers(TimeProvider.System),
            new EdgeSpec(repository, maxRequestBytes, "0.0-test")
            {
                RequestTimeouts = requestTimeouts,
                MaxRequestMemoryBytes = maxRequestMemory,
            },
            memory
        );
        Dispatcher dispatcher = new(edge);
        KestrelListener listener = await KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)),
            dispatcher.InvokeAsync,
            logs ?? NullLoggerFactory.Instance,
            TestContext.Current.CancellationToken
        );
        return new EdgeFixture(node, edge, listener);
    }

    public Task<(int Status, string ContentType, string Body)> GetAsync(string path) => SendAsync("GET", path, null);

    public Task<(int Status, string ContentType, string Body)> PostAsync(string path, string? body = null) =>
        SendAsync("POST", path, body is null ? null : Encoding.UTF8.GetBytes(body));

    public async Task<(int Status, string ContentType, string Body)> SendAsync(string method, string path, byte[]? body)
    {
        using HttpRequestMessage request = new(
            new HttpMethod(method),
            new Uri(Url + path.TrimStart('/'), new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })
        );
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
        }

        using HttpResponseMessage response = await SendAsync(request);
        return (
            (int)response.StatusCode,
            response.Content.Headers.ContentType?.MediaType ?? "",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) =>
        _client.SendAsync(request, TestContext.Current.CancellationToken);

    public static string ErrorOf(string body) => JsonDocument.Parse(body).RootElement.GetProperty("error").GetString()!;

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _listener.DisposeAsync();
        HostMemorySnapshot left = Edge.Memory.Host.Snapshot();
        Edge.Memory.Host.Dispose();
        Assert.Equal((0, 0, 0), (left.Leases, left.Forgotten, Edge.Memory.Budget.Used));
    }
}
