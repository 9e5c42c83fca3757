using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Hosting.Tests.Probes;

/// <summary>A real node that is asked over HTTP to load what would end, hang or fill it: it says no and goes on serving.</summary>
public sealed class ProbedNodeTests : IDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(90);

    private readonly HttpClient _client = new();
    private readonly ModuleFolder _folder = new();
    private Process? _node;
    private string _url = "";

    private async Task StartAsync(params string[] options)
    {
        ProcessStartInfo start = new(
            Path.Combine(AppContext.BaseDirectory, "troupe"),
            [
                "serve",
                "--models",
                CaseModels.Repository,
                "--allow-path",
                _folder.Path,
                "--load",
                "minus1",
                "--http",
                "127.0.0.1:0",
                "--metrics",
                "off",
                "--cluster",
                "off",
                "--devices",
                "emulated:2",
                "--warm-up",
                "off",
                .. options,
            ]
        )
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        _node = Process.Start(start.WithoutSettings())!;
        using CancellationTokenSource bound = new(Bound);
        string? line = "";
        while (line is not null && !line.Contains(" is up: ", StringComparison.Ordinal))
        {
            line = await _node.StandardOutput.ReadLineAsync(bound.Token);
        }

        Assert.NotNull(line);
        _url = line.Split("http ")[1].Split(' ')[0];
        _ = _node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        _client.Dispose();
        if (_node is { HasExited: false })
        {
            _node.Kill();
        }

        _node?.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_would_end_or_fill_the_node_is_refused_and_the_next_good_model_is_loaded_and_answers()
    {
        await StartAsync("--probe-timeout", "90s", "--probe-memory", "800MiB");
        string pipe = Path.Combine(_folder.Path, "pipe.onnx");
        using (Process made = Process.Start("mkfifo", pipe))
        {
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await RefusedAsync("/v2/repository/models/crash_at_load/load", null, "signal 8 (SIGFPE)", 400);
        await RefusedAsync("crashing", CaseModels.PathOf("crash_at_load"), "signal 8 (SIGFPE)", 400);
        await RefusedAsync("piped", pipe, "no regular file", 400);
        await RefusedAsync("large", _folder.Write("large.onnx", ProbeModels.Large()), "--probe-memory", 400);
        Assert.False(_node!.HasExited);

        (int loaded, string answer) = await SendAsync("/v2/repository/models/fixed_out/load", "");
        Assert.True(loaded == 200, answer);
        foreach (string model in (string[])["fixed_out", "minus1"])
        {
            (int status, string outputs) = await SendAsync(
                $"/v2/models/{model}/infer",
                """{"inputs":[{"name":"x","datatype":"FP32","shape":[2,3],"data":[1,-2,3,4,-5,6]}]}"""
            );
            Assert.True(status == 200, outputs);
            Assert.Contains("[1.0,0.0,3.0,4.0,0.0,6.0]", outputs, StringComparison.Ordinal);
        }

        Assert.False(_node.HasExited);
    }

    [Fact]
    public async Task A_model_that_hangs_while_it_is_tried_holds_up_neither_loads_nor_unloads()
    {
        await StartAsync("--probe-timeout", "15s");
        Task<(int, string)>[] slow =
        [
            .. Enumerable.Range(0, 2).Select(index => LoadAsync($"slow{index}", _folder.Write($"slow{index}.onnx", ProbeModels.Slow()))),
        ];
        (int loaded, string answer) = await SendAsync("/v2/repository/models/fixed_out/load", "");
        Assert.True(loaded == 200, answer);
        (int unloaded, answer) = await SendAsync("/v2/repository/models/fixed_out/unload", "");
        Assert.True(unloaded == 200, answer);
        foreach ((int status, string refused) in await Task.WhenAll(slow))
        {
            Assert.True(status == 503, refused);
            Assert.Contains("was tried for 15 s", refused, StringComparison.Ordinal);
        }

        Assert.False(_node!.HasExited);
    }

    private Task<(int Status, string Body)> LoadAsync(string name, string path) =>
        SendAsync($"/v2/troupe/models/{name}/load", JsonSerializer.Serialize(new Dictionary<string, string> { ["path"] = path }));

    private async Task RefusedAsync(string what, string? path, string text, int expected)
    {
        (int status, string body) = path is null ? await SendAsync(what, "") : await LoadAsync(what, path);
        Assert.True(status == expected, $"{what}: {status} {body}");
        Assert.Contains(text, JsonDocument.Parse(body).RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    private async Task<(int Status, string Body)> SendAsync(string path, string body)
    {
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await _client.PostAsync(new Uri(_url + path), content, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
