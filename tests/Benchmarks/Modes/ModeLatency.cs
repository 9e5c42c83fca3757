using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Troupe.Benchmarks.Modes;

/// <summary>How long a client waits until every device of a cluster has acknowledged a mode for the whole of it: two <c>serve</c> processes
/// with two emulated devices each, over HTTP.</summary>
internal sealed class ModeLatency : IDisposable
{
    private const int Rounds = 400;
    private const int WarmUps = 20;
    private const int LoadPerSecond = 50;

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(20) };
    private readonly List<Process> _processes = [];
    private readonly List<string> _urls = [];

    public static async Task RunAsync()
    {
        using var latency = new ModeLatency();
        await latency.StartAsync();
        Console.WriteLine($"| load | step | median | p90 | p99 | worst |");
        Console.WriteLine("|---|---|---:|---:|---:|---:|");
        await latency.MeasureAsync("none");
        using var stop = new CancellationTokenSource();
        Task<long>[] load = [.. latency._urls.Select(url => latency.LoadAsync(url, stop.Token))];
        await latency.MeasureAsync($"{LoadPerSecond}/s per node");
        await stop.CancelAsync();
        Console.WriteLine(
            $"{(await Task.WhenAll(load)).Sum()} forwards answered meanwhile, {Rounds} rounds each, coordinators taking turns."
        );
    }

    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.Kill();
            process.Dispose();
        }

        _client.Dispose();
    }

    private async Task StartAsync()
    {
        string models = Path.Combine(AppContext.BaseDirectory, "Samples", "models");
        string first = $"127.0.0.1:{FreePort()}";
        foreach (string control in (string[])[first, $"127.0.0.1:{FreePort()}"])
        {
            string http = $"127.0.0.1:{FreePort()}";
            _urls.Add($"http://{http}");
            _processes.Add(
                Process.Start(
                    new ProcessStartInfo(
                        "dotnet",
                        [
                            Path.Combine(AppContext.BaseDirectory, "troupe.dll"),
                            "serve",
                            "--models",
                            models,
                            "--load",
                            "fmnist",
                            "--devices",
                            "emulated:2",
                            "--metrics",
                            "off",
                            "--http",
                            http,
                            "--cluster",
                            control,
                            "--join",
                            first,
                            "--log-level",
                            "warning",
                        ]
                    )
                )!
            );
        }

        using var bound = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var period = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!await IsReadyAsync())
        {
            await period.WaitForNextTickAsync(bound.Token);
        }
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            foreach (string url in _urls)
            {
                using HttpResponseMessage ready = await _client.GetAsync(new Uri($"{url}/v2/health/ready"));
                using JsonDocument nodes = JsonDocument.Parse(await _client.GetStringAsync(new Uri($"{url}/v2/troupe/nodes")));
                if (
                    !ready.IsSuccessStatusCode
                    || nodes.RootElement.GetProperty("nodes").EnumerateArray().Count(node => node.GetProperty("reachable").GetBoolean())
                        != 2
                )
                {
                    return false;
                }
            }

            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task MeasureAsync(string load)
    {
        var enters = new List<double>();
        var exits = new List<double>();
        for (int round = -WarmUps; round < Rounds; round++)
        {
            using StringContent body = new(
                """{ "modes": { "cuda-graphs": "per-segment", "pre-allocated-outputs": "on" }, "lease": "60s" }""",
                Encoding.UTF8,
                "application/json"
            );
            long start = Stopwatch.GetTimestamp();
            using HttpResponseMessage entered = await _client.PostAsync(new Uri($"{_urls[round & 1]}/v2/troupe/modes/enter"), body);
            string text = await entered.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
            double enter = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            using JsonDocument answer = JsonDocument.Parse(text);
            if (answer.RootElement.GetProperty("applied_by").GetArrayLength() != 4)
            {
                throw new InvalidOperationException(text);
            }

            start = Stopwatch.GetTimestamp();
            using HttpResponseMessage exited = await _client.DeleteAsync(
                new Uri($"{_urls[(round + 1) & 1]}/v2/troupe/modes/{answer.RootElement.GetProperty("token").GetString()}")
            );
            exited.EnsureSuccessStatusCode();
            if (round >= 0)
            {
                enters.Add(enter);
                exits.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        Print(load, "enter", enters);
        Print(load, "exit", exits);
    }

    private async Task<long> LoadAsync(string url, CancellationToken stop)
    {
        string picture = string.Join(',', Enumerable.Repeat("0.5", 28 * 28));
        string request = $$"""{"inputs":[{"name":"image","shape":[1,1,28,28],"datatype":"FP32","data":[{{picture}}]}]}""";
        long answered = 0;
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(1000d / LoadPerSecond));
        while (!stop.IsCancellationRequested)
        {
            await pace.WaitForNextTickAsync(CancellationToken.None);
            using StringContent body = new(request, Encoding.UTF8, "application/json");
            using HttpResponseMessage reply = await _client.PostAsync(
                new Uri($"{url}/v2/models/fmnist/infer"),
                body,
                CancellationToken.None
            );
            reply.EnsureSuccessStatusCode();
            answered++;
        }

        return answered;
    }

    private static void Print(string load, string step, List<double> times)
    {
        times.Sort();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {load} | {step} | {At(0.5):0.0} ms | {At(0.9):0.0} ms | {At(0.99):0.0} ms | {times[^1]:0.0} ms |"
            )
        );

        double At(double share) => times[(int)(share * (times.Count - 1))];
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
