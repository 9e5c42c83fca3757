using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Troupe.TestSupport.Platforms;

namespace Troupe.Cluster.Tests;

/// <summary>A <c>troupe serve</c> process on loopback, with fast failure detection, that a test may kill, end in order and start again at
/// the same addresses.</summary>
internal sealed class ServingNode : IAsyncDisposable
{
    private static readonly string Samples = Path.Combine(AppContext.BaseDirectory, "Samples", "models");

    /// <summary>A folder with a model that ends the process on some inputs.</summary>
    public static readonly string Poison = Path.Combine(AppContext.BaseDirectory, "Models");

    private readonly string? _executable;
    private readonly bool _warmUp;
    private readonly string _profile;
    private readonly IReadOnlyList<string> _join;
    private readonly bool _models;
    private readonly List<string> _lines = [];
    private readonly string _metrics = $"127.0.0.1:{FreePort()}";
    private Process? _process;

    /// <param name="executable">A published executable; null: this build, run by <c>dotnet</c>.</param>
    public ServingNode(
        string profile,
        int clusterPort,
        IReadOnlyList<string> join,
        bool models,
        string? executable = null,
        bool warmUp = false
    )
    {
        _executable = executable;
        _warmUp = warmUp;
        _profile = profile;
        _join = join;
        _models = models;
        Control = $"127.0.0.1:{clusterPort}";
        Http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{FreePort()}"), Timeout = TimeSpan.FromSeconds(40) };
    }

    /// <summary>All models of this repository instead of the samples; null: those.</summary>
    public string? Repository { get; init; }

    public bool HasExited => _process!.HasExited;

    /// <summary>Address of the control plane: the node's id.</summary>
    public string Control { get; }

    public HttpClient Http { get; }

    public int ProcessId => _process!.Id;

    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public void Start()
    {
        var start = new ProcessStartInfo(_executable ?? "dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.WithoutSettings();
        if (_executable is null)
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "troupe.dll"));
        }

        foreach (
            string argument in (string[])
                [
                    "serve",
                    "--warm-up",
                    _warmUp ? "on" : "off",
                    "--devices",
                    "emulated:1",
                    "--metrics",
                    _metrics,
                    "--http",
                    Http.BaseAddress!.Authority,
                    "--cluster",
                    Control,
                    "--hocon",
                    _profile,
                ]
        )
        {
            start.ArgumentList.Add(argument);
        }

        foreach (string seed in _join)
        {
            start.ArgumentList.Add("--join");
            start.ArgumentList.Add(seed);
        }

        if (_models)
        {
            start.ArgumentList.Add("--models");
            start.ArgumentList.Add(Repository ?? Samples);
        }

        if (_models && Repository is null)
        {
            start.ArgumentList.Add("--load");
            start.ArgumentList.Add("blazeface");
            start.ArgumentList.Add("--load");
            start.ArgumentList.Add("fmnist");
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += Note;
        _process.ErrorDataReceived += Note;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>kill -9.</summary>
    public async Task Kill()
    {
        _process!.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>SIGTERM; the exit code.</summary>
    public async Task<int> Terminate()
    {
        using Process kill = Process.Start("kill", ["-TERM", _process!.Id.ToString(CultureInfo.InvariantCulture)]);
        await _process
            .WaitForExitAsync(TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Waits until this node sees exactly these nodes, and the classifier where <paramref name="model"/> is asked for.</summary>
    public async Task Sees(bool model, params ServingNode[] nodes)
    {
        string[] expected = [.. nodes.Select(node => node.Control).Order(StringComparer.Ordinal)];
        await Eventually(
            async () =>
            {
                using JsonDocument document = JsonDocument.Parse(
                    await Http.GetStringAsync("/v2/troupe/nodes", TestContext.Current.CancellationToken)
                );
                JsonElement[] seen = [.. document.RootElement.GetProperty("nodes").EnumerateArray()];
                string[] ids =
                [
                    .. seen.Where(node => node.GetProperty("reachable").GetBoolean())
                        .Select(node => node.GetProperty("id").GetString()!)
                        .Order(StringComparer.Ordinal),
                ];
                return ids.SequenceEqual(expected)
                    && seen.Length == expected.Length
                    && (!model || (await Http.GetAsync("/v2/models/fmnist", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
            },
            $"{Control} sees {string.Join(' ', expected)}"
        );
    }

    /// <summary>Waits until the node says that it is ready.</summary>
    public Task IsReady() =>
        Eventually(
            async () => (await Http.GetAsync("/v2/health/ready", TestContext.Current.CancellationToken)).IsSuccessStatusCode,
            $"{Control} is ready"
        );

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false } process)
        {
            await HoldsNoLease();
            process.Kill();
            await process.WaitForExitAsync();
        }

        _process?.Dispose();
        Http.Dispose();
    }

    /// <summary>Every lease of its host memory ends, each by its owner: whatever died meanwhile.</summary>
    private Task HoldsNoLease() =>
        Eventually(
            async () =>
            {
                string series = await Http.GetStringAsync(new Uri($"http://{_metrics}/metrics"), CancellationToken.None);
                string[] lines = series.Split('\n');
                Assert.Contains("troupe_host_memory_forgotten_total 0", lines);
                return lines.Contains("troupe_host_memory_leases 0");
            },
            $"{Control} holds no lease"
        );

    public string Log()
    {
        lock (_lines)
        {
            return string.Join('\n', _lines.TakeLast(60));
        }
    }

    /// <summary>Waits until it is so, at most 45 s.</summary>
    public async Task Eventually(Func<Task<bool>> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        using var period = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        string last = "";
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(45))
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or JsonException)
            {
                last = exception.Message;
            }

            await period.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        Assert.Fail($"not within 45 s: {what}. {last}\n{Log()}");
    }

    private void Note(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is { } text)
        {
            lock (_lines)
            {
                _lines.Add(text);
            }
        }
    }
}
