using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>What a request costs in managed memory from the socket to the lane and back, over everything the process does for it.</summary>
[Collection(nameof(RequestCostTests)), CollectionDefinition(nameof(RequestCostTests), DisableParallelization = true)]
public sealed class RequestCostTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly ModuleFolder _models = new();
    private NodeHost _host = null!;
    private KestrelListener _listener = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Model("large", 1 << 19);
        Model("small", 784);
        ServeSpec spec = new()
        {
            Models = [_models.Path],
            Devices = new DeviceChoice(DeviceKind.Emulated, 1),
            Cluster = null,
            DrainTimeout = TimeSpan.FromSeconds(5),
        };
        _host = await NodeHost.StartAsync(spec, NullLoggerFactory.Instance, Cancellation);
        NodeEdge edge = new(_host.Node, new ModelLedgers(TimeProvider.System), new EdgeSpec(null, 16 << 20, "0.0-test"), _host.Memory);
        _listener = await KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)),
            new Dispatcher(edge).InvokeAsync,
            NullLoggerFactory.Instance,
            Cancellation
        );
        await _host.LoadModelsAsync(Cancellation);
    }

    [Fact]
    public async Task Bytes_that_move_cost_at_most_a_kibibyte_for_each_mebibyte()
    {
        const int Moved = 2 * (8 << 20);
        long cost = await CostAsync("large", 4, 1 << 19, warmUp: 12, rounds: 12);
        Assert.InRange(cost, 1, Moved / 1024);
    }

    /// <remarks>Then, by this very test, 6,377 bytes.</remarks>
    [Fact]
    public async Task A_small_request_costs_no_more_than_it_did_when_its_body_was_a_pooled_array()
    {
        long cost = await CostAsync("small", 1, 784, warmUp: 500, rounds: 300);
        Assert.InRange(cost, 1, 6000);
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        Assert.Equal(0, _host.Memory.Snapshot().Leases);
        await _host.DisposeAsync();
        _models.Dispose();
    }

    /// <summary>Managed bytes of a request and its answer, both binary, by a client that allocates none for them.</summary>
    private async Task<long> CostAsync(string model, int rows, int columns, int warmUp, int rounds)
    {
        int bytes = rows * columns * sizeof(float);
        string json =
            $$$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[{{{rows}}},{{{columns}}}],"parameters":{"binary_data_size":{{{bytes}}}}}],"parameters":{"binary_data_output":true}}""";
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: t\r\nInference-Header-Content-Length: {json.Length}\r\nContent-Length: {json.Length + bytes}\r\n\r\n"
        );
        byte[] request = [.. Encoding.ASCII.GetBytes(head + json), .. new byte[bytes]];
        using RawClient client = await RawClient.ConnectAsync(new Uri($"http://{_listener.Address}"));

        // The first answer tells how long every other is.
        await client.SendAsync(request);
        string first = await client.ReadHeadAsync();
        Assert.StartsWith("HTTP/1.1 200 ", first, StringComparison.Ordinal);
        string length = first.Split("Content-Length: ")[1].Split('\r')[0];
        byte[] answer = new byte[first.Length + int.Parse(length, CultureInfo.InvariantCulture)];
        Assert.True(await client.ReadAsync(answer.AsMemory(first.Length)));

        await AskAsync(warmUp);
        long cost = long.MaxValue;
        for (int turn = 0; turn < 5; turn++)
        {
            // The least of some: buffers that stay, of the server too, are made as the timing has it.
            long before = GC.GetTotalAllocatedBytes(precise: true);
            await AskAsync(rounds);
            cost = Math.Min(cost, (GC.GetTotalAllocatedBytes(precise: true) - before) / rounds);
        }

        output.WriteLine($"{model}: {cost} bytes for each request of {bytes} bytes and its answer");
        return cost;

        async Task AskAsync(int times)
        {
            for (int i = 0; i < times; i++)
            {
                await client.SendAsync(request);
                Assert.True(await client.ReadAsync(answer));
            }
        }
    }

    private void Model(string name, int width)
    {
        Directory.CreateDirectory(Path.Combine(_models.Path, name, "1"));
        TinyModels.Scale(2, width: width).Save(Path.Combine(_models.Path, name, "1", "model.onnx"));
    }
}
