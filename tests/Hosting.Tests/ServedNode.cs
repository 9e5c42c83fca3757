using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Hosting.Cli;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Tests;

/// <summary>A real node with two emulated devices and the sample model <c>fmnist</c>, behind its HTTP edge, in this process; shared by the
/// tests of a class.</summary>
public sealed class ServedNode : IAsyncLifetime
{
    private readonly ServeSpec _spec;
    private NodeHost? _host;
    private KestrelListener? _listener;
    private HttpClient? _client;

    public ServedNode()
        : this(new ServeSpec { Models = [Path.Combine(AppContext.BaseDirectory, "Samples", "models")], Load = ["fmnist"] }) { }

    private ServedNode(ServeSpec spec) =>
        _spec = spec with { Devices = new DeviceChoice(DeviceKind.Emulated, 2), Cluster = null, DrainTimeout = TimeSpan.FromSeconds(5) };

    /// <summary>A node of one test, over another repository.</summary>
    public static Task<ServedNode> StartAsync(string models, params string[] load) =>
        StartAsync(new ServeSpec { Models = [models], Load = load });

    /// <summary>A node of one test, with settings of its own.</summary>
    internal static async Task<ServedNode> StartAsync(ServeSpec spec)
    {
        ServedNode node = new(spec);
        await node.InitializeAsync();
        return node;
    }

    internal NodeHost Host => _host!;

    public string Url => _client!.BaseAddress!.ToString().TrimEnd('/');

    /// <summary>Its name in scopes.</summary>
    public string Node => _host!.Node.Id.ToString();

    public async ValueTask InitializeAsync()
    {
        _host = await NodeHost.StartAsync(_spec, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
        EdgeSpec served = new(_host.Repository, 8 << 20, "0.0-test")
        {
            ModelControl = _spec.ModelControl,
            StrictReadiness = _spec.StrictReadiness,
        };
        NodeEdge edge = new(_host.Node, new ModelLedgers(TimeProvider.System), served, _host.Memory);
        Dispatcher dispatcher = new(edge);
        _listener = await KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)),
            dispatcher.InvokeAsync,
            NullLoggerFactory.Instance,
            TestContext.Current.CancellationToken
        );
        await _host.LoadModelsAsync(TestContext.Current.CancellationToken);
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://{_listener.Address}") };
    }

    /// <summary>Status and document of one request.</summary>
    public async Task<(int Status, JsonElement Body)> SendAsync(string method, string path, string? body = null)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), new Uri(Url + path));
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        using HttpResponseMessage response = await _client!.SendAsync(request, TestContext.Current.CancellationToken);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, JsonDocument.Parse(text.Length == 0 ? "null" : text).RootElement);
    }

    public async Task<int> StatusAsync(string method, string path, string? body = null) => (await SendAsync(method, path, body)).Status;

    /// <summary>Asks until the answer has this status.</summary>
    public async Task UntilAsync(string method, string path, int status)
    {
        while (await StatusAsync(method, path) != status)
        {
            await Task.Yield();
        }
    }

    /// <summary>The document of a request that must succeed.</summary>
    public async Task<JsonElement> AskAsync(string method, string path, string? body = null)
    {
        (int status, JsonElement answer) = await SendAsync(method, path, body);
        Assert.True(status == 200, $"{method} {path}: {status} {answer}");
        return answer;
    }

    /// <summary>One value of an explanation, and where it comes from.</summary>
    public async Task<(string Value, string Source)> ExplainAsync(string setting, string query = "")
    {
        JsonElement answer = await AskAsync("GET", "/v2/troupe/modes/explain" + query);
        JsonElement line = answer
            .GetProperty("settings")
            .EnumerateArray()
            .Single(line => line.GetProperty("setting").GetString() == setting);
        return (line.GetProperty("value").GetString()!, line.GetProperty("source").GetString()!);
    }

    /// <summary>A command line of <c>troupe</c> against this node, in this process.</summary>
    public Task<(int Exit, string Output, string Error)> RunAsync(string[] arguments) =>
        InterruptAsync(arguments, TestContext.Current.CancellationToken);

    /// <summary>The same, ended as by Ctrl-C.</summary>
    public async Task<(int Exit, string Output, string Error)> InterruptAsync(string[] arguments, CancellationToken stop)
    {
        StringWriter output = new(),
            error = new();
        int exit = await TroupeCommand.RunAsync([.. arguments, "--url", Url], output, error, stop);
        return (exit, output.ToString(), error.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_listener is { } listener)
        {
            await listener.DisposeAsync();
        }

        if (_host is { } host)
        {
            HostMemorySnapshot left = host.Memory.Snapshot();
            Assert.Equal((0, 0), (left.Leases, left.Forgotten));
            await host.DisposeAsync();
        }
    }
}
