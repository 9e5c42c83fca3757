using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Hosting.Demo;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Metrics;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>What a real Triton was asked and answered, over its own model repository: as many cases of each topic pass as
/// <c>Golden/passed.txt</c> says, no fewer, and none that it does not know of.</summary>
public sealed class GoldenRepositoryTests(GoldenRepositoryTests.Repository repository) : IClassFixture<GoldenRepositoryTests.Repository>
{
    /// <summary>A line a topic: its name, cases that pass, cases that are replayed.</summary>
    public static TheoryData<string, int, int> Topics()
    {
        TheoryData<string, int, int> topics = [];
        foreach (string line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Golden", "passed.txt")))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var topic, var passed, var given] && topic != "#")
            {
                topics.Add(topic, int.Parse(passed, null), int.Parse(given, null));
            }
        }

        return topics;
    }

    [Theory, MemberData(nameof(Topics))]
    public async Task As_many_recorded_cases_pass_as_the_table_says(string topic, int passed, int given)
    {
        await using Repository? none = topic == GoldenReplay.NoneTopic ? new Repository("repo_none", [], ModelControl.None) : null;
        await (none?.InitializeAsync() ?? ValueTask.CompletedTask);
        Repository served = none ?? repository;
        var replay = new GoldenReplay(served.Http, served.Metrics);
        List<string> differences = [];
        JsonElement[] cases = GoldenReplay.Load(topic);
        foreach (JsonElement golden in cases)
        {
            if (await replay.DifferenceAsync(golden, TestContext.Current.CancellationToken) is { } difference)
            {
                differences.Add($"{topic}/{golden.GetProperty("name").GetString()}: {difference}");
            }
        }

        Assert.Equal(given, cases.Length);
        Assert.All(
            Exempt(topic),
            one =>
                Assert.True(
                    differences.Exists(difference => difference.StartsWith($"{topic}/{one}: ", StringComparison.Ordinal)),
                    $"{topic}/{one} passes: take it off Golden/exempt.txt"
                )
        );
        Assert.True(
            passed == cases.Length - differences.Count,
            $"{cases.Length - differences.Count} pass, and Golden/passed.txt says {passed}:\n{string.Join('\n', differences)}"
        );
    }

    [Fact]
    public void What_is_exempt_is_a_case_of_its_number()
    {
        string[][] rows = [.. ExemptRows()];
        Assert.NotEmpty(rows);
        Assert.All(
            rows,
            row =>
                Assert.Equal(
                    row[2].TrimEnd(':'),
                    GoldenReplay.LoadAll(row[0]).ElementAt(int.Parse(row[1], null) - 1).GetProperty("name").GetString()
                )
        );
    }

    [Fact]
    public void Every_topic_stands_in_the_table() =>
        Assert.Equal(
            Directory
                .EnumerateDirectories(Path.Combine(AppContext.BaseDirectory, "Golden"))
                .Select(folder => Path.GetFileName(folder))
                .Where(topic => topic != "models")
                .Order(StringComparer.Ordinal),
            Topics().Select(row => row.Data.Item1).Order(StringComparer.Ordinal)
        );

    /// <summary>Cases of a topic that need what is not there.</summary>
    private static IEnumerable<string> Exempt(string topic) =>
        ExemptRows().Where(row => row[0] == topic).Select(row => row[2].TrimEnd(':'));

    private static IEnumerable<string[]> ExemptRows() =>
        File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Golden", "exempt.txt"))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(row => row is [not "#", _, _, _, ..]);

    /// <summary>A node over a copy of a recorded server's repository, with the models that it had loaded.</summary>
    public sealed class Repository : IAsyncLifetime
    {
        private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "Golden", "models");

        private readonly ModuleFolder _folder = new();
        private readonly string _name;
        private readonly string[]? _load;
        private readonly ModelControl _control;

        public Repository()
            : this("repo", File.ReadAllLines(Path.Combine(Golden, "loaded_at_start.txt")), ModelControl.Explicit) { }

        /// <param name="load">None: all that it has.</param>
        internal Repository(string name, string[] load, ModelControl control) =>
            (_name, _load, _control) = (name, load.Length > 0 ? load : null, control);

        private NodeHost? _node;
        private KestrelListener? _http,
            _metrics;

        public string Http => _http!.Address.ToString();

        public string Metrics => _metrics!.Address.ToString();

        public async ValueTask InitializeAsync()
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Golden, _name), "*", SearchOption.AllDirectories))
            {
                Copy(file, Path.GetRelativePath(Golden, file));
            }

            if (_load?.Contains("fmnist") == true)
            {
                Copy(Path.Combine(SampleFiles.Models, "fmnist", "1", "model.onnx"), $"{_name}/fmnist/1/model.onnx");
            }

            ServeSpec spec = new()
            {
                Cluster = null,
                Devices = new DeviceChoice(DeviceKind.Emulated, 1),
                Models = [Path.Combine(_folder.Path, _name)],
                Load = _load,
                ModelControl = _control,
                ProbeLoads = ProbeLoads.Off,
            };
            CancellationToken cancellation = TestContext.Current.CancellationToken;
            _node = await NodeHost.StartAsync(spec, NullLoggerFactory.Instance, cancellation);
            await _node.LoadModelsAsync(cancellation);
            var served = new EdgeSpec(_node.Repository, spec.MaxRequestBytes, TroupeVersion.Text) { ModelControl = _control };
            NodeEdge edge = new(_node.Node, new ModelLedgers(TimeProvider.System), served, TestMemory.Host);
            _http = await ListenAsync(OptionKeys.Http, new Dispatcher(edge).InvokeAsync, cancellation);
            _metrics = await ListenAsync(OptionKeys.Metrics, new MetricsEndpoint(edge).InvokeAsync, cancellation);
        }

        public async ValueTask DisposeAsync()
        {
            await (_http?.DisposeAsync() ?? ValueTask.CompletedTask);
            await (_metrics?.DisposeAsync() ?? ValueTask.CompletedTask);
            await (_node?.DisposeAsync() ?? ValueTask.CompletedTask);
            _folder.Dispose();
        }

        private static Task<KestrelListener> ListenAsync(OptionKey key, RequestDelegate handle, CancellationToken cancellation) =>
            KestrelListener.StartAsync(
                new ListenSpec(key, new ListenAddress("127.0.0.1", 0)),
                handle,
                NullLoggerFactory.Instance,
                cancellation
            );

        private void Copy(string file, string name)
        {
            string to = Path.Combine(_folder.Path, name);
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
    }
}
