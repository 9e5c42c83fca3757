using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Actors.Membership;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Metrics;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Messages.Identity;
using Troupe.TestSupport.Documents;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Metrics;

/// <summary>The series of modes, read from a real node over HTTP.</summary>
public sealed class NodeMetricsTests : IAsyncLifetime
{
    private readonly ModuleFolder _folder = new();
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false });
    private NodeHost _host = null!;
    private KestrelListener _http = null!;
    private KestrelListener _metrics = null!;
    private string _scaled = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        ServeSpec spec = new()
        {
            Cluster = null,
            Devices = new DeviceChoice(DeviceKind.Emulated, 2),
            Lanes = 1,
            AllowPath = [_folder.Path],
        };
        _scaled = EmulatedModels.Scaled(_folder, ", \"streamableBytes\": 1000");
        _host = await NodeHost.StartAsync(spec, NullLoggerFactory.Instance, Cancellation);
        NodeEdge edge = new(_host.Node, new ModelLedgers(TimeProvider.System), new EdgeSpec(null, 1 << 20, "0.0-test"), _host.Memory);
        Dispatcher dispatcher = new(edge);
        _http = await KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)),
            dispatcher.InvokeAsync,
            NullLoggerFactory.Instance,
            Cancellation
        );
        _metrics = await KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Metrics, new ListenAddress("127.0.0.1", 0)),
            new MetricsEndpoint(edge).InvokeAsync,
            NullLoggerFactory.Instance,
            Cancellation
        );
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _metrics.DisposeAsync();
        await _http.DisposeAsync();
        await _host.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Captures_replays_hits_and_misses_are_those_of_the_forwards_that_ran()
    {
        await Load();
        await Eventually(() => Value("troupe_graph_captures_total", "scaled"), 0);
        await Post("v2/troupe/modes/set", """{ "modes": { "cuda_graphs": "per_segment", "pre_allocated_outputs": "on" } }""");
        for (int i = 0; i < 5; i++)
        {
            await Infer();
        }

        await Eventually(() => Value("troupe_graph_replays_total", "scaled"), 5);
        Assert.Equal(1, await Value("troupe_graph_captures_total", "scaled"));
        Assert.Equal(1, await Value("troupe_graph_misses_total", "scaled"));
        Assert.Equal(4, await Value("troupe_graph_hits_total", "scaled"));
        Assert.Equal(4, await Value("troupe_output_set_reuses_total", "scaled"));
        Assert.True(await Value("troupe_graph_warm_ups_total", "scaled") >= 1);
        Assert.Equal(0, await Value("troupe_graph_capture_failures_total", "scaled"));
        Assert.Equal(0, await Value("troupe_graph_evictions_total", "scaled"));
        Assert.Equal(0, await Value("troupe_device_switches_total", "scaled"));
        Assert.Equal(0, await Value("troupe_input_moves_total", "scaled"));

        await Post("v2/troupe/modes/set", """{ "modes": { "cuda_graphs": "off" } }""");
        await Eventually(() => Value("troupe_graph_evictions_total", "scaled"), 1);
    }

    [Fact]
    public async Task A_weight_budget_shows_as_soon_as_it_is_applied()
    {
        await Load();
        await Eventually(() => Value("troupe_weight_streamable_bytes", "scaled"), 1000);
        await Post("v2/troupe/modes/set", """{ "modes": { "weight_budget": "25%" }, "scope": { "model": "scaled" } }""");
        await Eventually(() => Value("troupe_weight_budget_bytes", "scaled"), 250);
    }

    [Fact]
    public async Task The_memory_of_each_device_and_of_each_instance_shows()
    {
        await Load();
        await Infer();
        await Eventually(async () => await Value("troupe_instance_memory_used_bytes", "scaled") > 1000 ? 1 : 0, 1);
        string labels = $"{{gpu_uuid=\"{new GpuId(_host.Node.Id, 1)}\"}}";
        double used = await Series("troupe_device_memory_used_bytes" + labels) ?? 0,
            reserved = await Series("troupe_device_memory_reserved_bytes" + labels) ?? 0;
        Assert.InRange(used, 1000, reserved);
        Assert.Equal(reserved - used, await Series("troupe_device_memory_idle_bytes" + labels));
        Assert.InRange(await Series("troupe_device_memory_high_water_bytes" + labels) ?? 0, used, reserved);
        Assert.Equal(2L << 30, await Series("troupe_device_memory_budget_bytes" + labels));
        Assert.Equal(0, await Series("troupe_device_memory_foreign_bytes" + labels));
        Assert.Equal(0, await Series("troupe_device_memory_reclaimed_bytes_total" + labels));
        Assert.Equal(0, await Value("troupe_instance_memory_reclaimed_bytes_total", "scaled"));
        Assert.True(await Value("troupe_instance_memory_high_water_bytes", "scaled") > 1000);
    }

    [Fact]
    public async Task Entries_are_counted_by_scope_before_whoever_entered_them_is_answered()
    {
        await Load();
        Assert.Equal(0, await Value("troupe_mode_epoch", null));
        string token = (await Post("v2/troupe/modes/enter", """{ "modes": { "cuda_graphs": "per_segment" } }"""))
            .RootElement.GetProperty("token")
            .GetString()!;
        using JsonDocument set = await Post(
            "v2/troupe/modes/set",
            """{ "modes": { "pre_allocated_outputs": "on" }, "scope": { "model": "scaled" } }"""
        );
        Assert.Equal(1, await Series("troupe_mode_entries{scope=\"cluster\"}"));
        Assert.Equal(1, await Series("troupe_mode_entries{scope=\"model\"}"));
        Assert.Equal(0, await Series("troupe_mode_entries{scope=\"gpu\"}"));
        Assert.Equal(set.RootElement.GetProperty("epoch").GetInt64(), await Value("troupe_mode_epoch", null));

        using HttpResponseMessage left = await _client.DeleteAsync(Url($"v2/troupe/modes/{token}"), Cancellation);
        Assert.Equal(HttpStatusCode.OK, left.StatusCode);
        Assert.Equal(0, await Series("troupe_mode_entries{scope=\"cluster\"}"));
        Assert.True(await Value("troupe_mode_epoch", null) > set.RootElement.GetProperty("epoch").GetInt64());
    }

    [Fact]
    public async Task Audited_forwards_are_counted_by_kind_of_scope()
    {
        await Load();
        Assert.Equal(0, await Series("troupe_audit_accepted_total{scope=\"model\"}"));
        await Post("v2/troupe/modes/set", """{ "modes": { "audit": "on" }, "scope": { "model": "scaled" } }""");
        await Infer();
        await Infer();
        Assert.Equal(2, await Series("troupe_audit_accepted_total{scope=\"model\"}"));
        Assert.Equal(2, await Series("troupe_audit_succeeded_total{scope=\"model\"}"));
        Assert.Equal(2, await Series("troupe_audit_executed_total{scope=\"model\"}"));
        Assert.Equal(0, await Series("troupe_audit_late_total{scope=\"model\"}"));
        Assert.Equal(0, await Series("troupe_audit_accepted_total{scope=\"cluster\"}"));
    }

    [Fact]
    public async Task The_series_of_an_unloaded_model_vanish_and_one_loaded_anew_starts_from_zero()
    {
        await Load();
        await Post("v2/troupe/modes/set", """{ "modes": { "cuda_graphs": "per_segment" } }""");
        await Infer();
        await Infer();
        await Eventually(() => Value("troupe_graph_replays_total", "scaled"), 2);
        await Post("v2/troupe/models/scaled/unload", "{}");
        await Eventually(() => Value("troupe_graph_replays_total", "scaled"), null);
        Assert.DoesNotContain("model=\"scaled\"", await Text(), StringComparison.Ordinal);

        await Load();
        await Infer();
        await Eventually(() => Value("troupe_graph_replays_total", "scaled"), 1);
    }

    [Fact]
    public async Task Every_reason_for_which_a_foreign_message_is_dropped_has_a_series_and_a_line_in_SECURITY()
    {
        const string Series = "troupe_foreign_messages_total{reason=\"";
        string[] reasons =
        [
            .. (await Text())
                .Split('\n')
                .Where(line => line.StartsWith(Series, StringComparison.Ordinal))
                .Select(line => line[Series.Length..line.IndexOf('"', Series.Length)])
                .Order(StringComparer.Ordinal),
        ];
        string[] lines = await File.ReadAllLinesAsync(Path.Combine(Document.Root, "SECURITY.md"), Cancellation);
        string[] documented =
        [
            .. lines
                .SkipWhile(line => line != "| reason | |")
                .Skip(2)
                .TakeWhile(line => line.StartsWith('|'))
                .Select(line => line.Split('`')[1])
                .Order(StringComparer.Ordinal),
        ];
        Assert.Equal(Enum.GetValues<ForeignReason>().Length, reasons.Length);
        Assert.Equal(reasons, documented);
    }

    [Fact]
    public async Task Every_series_says_what_it_counts()
    {
        await Load();
        await Eventually(() => Value("troupe_graph_captures_total", "scaled"), 0);
        string[] lines = (await Text()).Split('\n');
        foreach (
            string name in lines
                .Where(line => line.StartsWith("troupe_", StringComparison.Ordinal))
                .Select(line => line.Split('{', ' ')[0])
                .Distinct()
        )
        {
            Assert.Contains(lines, line => line.StartsWith($"# HELP {name} ", StringComparison.Ordinal) && line.Length > name.Length + 12);
        }
    }

    private Task<JsonDocument> Load() =>
        Post(
            "v2/troupe/models/scaled/load",
            JsonSerializer.Serialize(new Dictionary<string, object> { ["path"] = _scaled, ["gpus"] = new[] { 1 } })
        );

    private async Task Infer()
    {
        using JsonDocument answer = await Post(
            "v2/models/scaled/infer",
            """{ "inputs": [{ "name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4] }] }"""
        );
        Assert.Equal(
            [2f, 4f, 6f, 8f],
            answer.RootElement.GetProperty("outputs")[0].GetProperty("data").EnumerateArray().Select(value => value.GetSingle())
        );
    }

    private async Task<JsonDocument> Post(string path, string body)
    {
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await _client.PostAsync(Url(path), content, Cancellation);
        string text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text);
    }

    /// <summary>The value of a series of the model on device 1; null when there is none.</summary>
    private Task<double?> Value(string name, string? model) =>
        Series(model is null ? name : $"{name}{{model=\"{model}\",version=\"1\",gpu_uuid=\"{_host.Node.Id}/1\"}}");

    private async Task<double?> Series(string series) =>
        (await Text()).Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal)) is { } found
            ? double.Parse(found.Split(' ')[^1], CultureInfo.InvariantCulture)
            : null;

    private Task<string> Text() => _client.GetStringAsync(new Uri($"http://{_metrics.Address}/metrics"), Cancellation);

    private Uri Url(string path) => new($"http://{_http.Address}/{path}");

    /// <summary>Counts come with the heartbeats of the executors, a few times a second.</summary>
    private static async Task Eventually(Func<Task<double?>> value, double? expected)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        bound.CancelAfter(TimeSpan.FromSeconds(20));
        using var period = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        double? last = null;
        try
        {
            while ((last = await value()) != expected)
            {
                await period.WaitForNextTickAsync(bound.Token);
            }
        }
        catch (OperationCanceledException) when (!Cancellation.IsCancellationRequested)
        {
            Assert.Fail(
                $"The series is {last?.ToString(CultureInfo.InvariantCulture) ?? "missing"}, not {expected?.ToString(CultureInfo.InvariantCulture) ?? "missing"}."
            );
        }
    }
}
