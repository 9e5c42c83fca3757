using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Troupe.Hosting.Demo;
using Troupe.Hosting.Failures;
using Troupe.TestSupport.Platforms;

namespace Troupe.Hosting.Tests.Cli;

/// <summary>The real executable as its users meet it: exit codes, one line for each error, the demo, and a node from start to
/// drain.</summary>
public sealed class TroupeProcessTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(90);

    [Theory]
    [InlineData("serve --nope", 2, "Unrecognized command or argument '--nope'. Try 'troupe serve --help'.")]
    [InlineData("frobnicate", 2, "Unrecognized command or argument 'frobnicate'")]
    [InlineData("serve --models /no/such/folder", 4, "--models: '/no/such/folder': there is no such folder")]
    [InlineData(
        "serve --http 127.0.0.1:99999",
        2,
        "--http: '127.0.0.1:99999': '99999' is not a port (0 to 65535); write ADDRESS:PORT, e.g. 127.0.0.1:8000"
    )]
    [InlineData("serve --config /no/such.json", 4, "--config: '/no/such.json': there is no such file")]
    [InlineData("serve --http 127.0.0.1:0 --http 127.0.0.1:0", 2, "--http is given twice; leave one")]
    [InlineData("serve --max-request 2GiB", 2, "--max-request: '2GiB': write a whole number of bytes")]
    [InlineData("demo --faces --output /no/such/folder/faces.png", 4, "--output: '/no/such/folder/faces.png' cannot be written: ")]
    [InlineData("artifact inspect /", 4, "there is no file '/'")]
    [InlineData("artifact emulate /no/such.json /tmp/x.plan", 4, "")]
    [InlineData("devices --url http://127.0.0.1:1", 5, "no node answers at http://127.0.0.1:1")]
    [InlineData("nodes --url nonsense", 2, "--url: 'nonsense' is not an http or https address")]
    [InlineData("infer m --input x=/no/such --url http://127.0.0.1:1", 5, "no node answers")]
    public async Task Trouble_is_one_line_on_standard_error_and_a_documented_code(string arguments, int code, string line)
    {
        (int exit, string output, string error) = await RunAsync(arguments.Split(' '));

        Assert.Equal(code, exit);
        Assert.Equal("", output);
        string only = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("troupe: " + line, only, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_occupied_port_is_one_line_and_code_3()
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        string address = taken.LocalEndpoint.ToString()!;

        (int http, _, string httpError) = await RunAsync([
            "serve",
            "--http",
            address,
            "--metrics",
            "off",
            "--cluster",
            "off",
            "--devices",
            "emulated:1",
        ]);
        (int cluster, _, string clusterError) = await RunAsync([
            "serve",
            "--http",
            "127.0.0.1:0",
            "--metrics",
            "off",
            "--cluster",
            address,
            "--devices",
            "emulated:1",
        ]);

        Assert.Equal(
            ((int)ExitCode.AddressInUse, $"troupe: --http: {address} is taken by another process; stop it or name another address\n"),
            (http, httpError)
        );
        Assert.Equal(
            ((int)ExitCode.AddressInUse, $"troupe: --cluster: {address} is taken by another process; stop it or name another address\n"),
            (cluster, clusterError)
        );
    }

    [Fact]
    public async Task The_demo_gets_186_of_200_right_without_a_mismatch_and_uses_both_devices()
    {
        (int exit, string output, _) = await RunAsync(["demo", "--json"]);

        Assert.Equal(0, exit);
        JsonElement report = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
        Assert.Equal(
            ["total", "correct", "mismatches", "devices", "p50_us", "p99_us", "forwards_per_s"],
            report.EnumerateObject().Select(member => member.Name)
        );
        Assert.Equal(
            (200, 186, 0),
            (report.GetProperty("total").GetInt32(), report.GetProperty("correct").GetInt32(), report.GetProperty("mismatches").GetInt32())
        );
        int[] forwards = [.. report.GetProperty("devices").EnumerateArray().Select(device => device.GetProperty("forwards").GetInt32())];
        Assert.Equal(2, forwards.Length);
        Assert.Equal(200, forwards.Sum());
        Assert.All(forwards, count => Assert.True(count > 0, "a device was not used"));
        Assert.True(report.GetProperty("p50_us").GetDouble() <= report.GetProperty("p99_us").GetDouble());
    }

    [Fact]
    public async Task The_faces_demo_finds_the_one_face_and_writes_the_picture()
    {
        string picture = Path.Combine(Path.GetTempPath(), $"troupe-faces-{Guid.NewGuid():N}.png");
        try
        {
            (int exit, string output, _) = await RunAsync(["demo", "--faces", "--json", "--output", picture]);

            Assert.Equal(0, exit);
            JsonElement face = Assert.Single(
                JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement.GetProperty("faces").EnumerateArray()
            );
            Assert.InRange(face.GetProperty("score").GetDouble(), 0.9, 1);
            Assert.InRange(face.GetProperty("left").GetDouble(), 120, 220);
            Assert.InRange(face.GetProperty("top").GetDouble(), 100, 200);
            Assert.Equal(
                [0x89, (byte)'P', (byte)'N', (byte)'G'],
                (await File.ReadAllBytesAsync(picture, TestContext.Current.CancellationToken))[..4]
            );
        }
        finally
        {
            File.Delete(picture);
        }
    }

    [Fact]
    public async Task A_node_serves_its_clients_and_drains_on_sigterm_with_code_0()
    {
        using Process node = Start([
            "serve",
            "--models",
            Path.Combine(AppContext.BaseDirectory, "Samples", "models"),
            "--load",
            "fmnist",
            "--http",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
            "--cluster",
            "127.0.0.1:0",
            "--devices",
            "emulated:2",
        ]);
        string picture = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(picture, FashionMnist.Read().Images[0], TestContext.Current.CancellationToken);
            string up = await LineWithAsync(node, " is up: ");
            string url = up.Split("http ")[1].Split(' ')[0];
            string metrics = up.Split(" metrics ")[1].Split(' ')[0];

            (int infer, string inferOutput, string inferError) = await RunAsync([
                "infer",
                "fmnist",
                "--input",
                $"image={picture}",
                "--json",
                "--url",
                url,
            ]);
            (int missing, _, string missingError) = await RunAsync(["infer", "nope", "--input", "x=y", "--url", url]);
            (int wrong, _, string wrongError) = await RunAsync(["infer", "fmnist", "--input", "picture=y", "--url", url]);
            (int list, string listOutput, _) = await RunAsync(["models", "list", "--json", "--url", url]);
            using HttpClient http = new();
            string text = await http.GetStringAsync(new Uri(metrics), TestContext.Current.CancellationToken);

            Assert.True(infer == 0, inferError);
            double[] logits =
            [
                .. JsonDocument
                    .Parse(inferOutput)
                    .RootElement.GetProperty("outputs")[0]
                    .GetProperty("data")
                    .EnumerateArray()
                    .Select(value => value.GetDouble()),
            ];
            Assert.Equal(9, Array.IndexOf(logits, logits.Max()));
            Assert.Equal(6, missing);
            Assert.StartsWith("troupe: Request for unknown model: 'nope' is not found", missingError, StringComparison.Ordinal);
            Assert.Equal(2, wrong);
            Assert.StartsWith("troupe: --input: the model has no input 'picture'; it has image", wrongError, StringComparison.Ordinal);
            Assert.Equal(0, list);
            Assert.Equal("fmnist", JsonDocument.Parse(listOutput).RootElement.GetProperty("models")[0].GetProperty("name").GetString());
            Assert.Contains("nv_inference_request_success{model=\"fmnist\",version=\"1\"} 1", text, StringComparison.Ordinal);

            using Process kill = Process.Start("kill", ["-TERM", node.Id.ToString(CultureInfo.InvariantCulture)]);
            string rest = await node
                .StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)
                .WaitAsync(Bound, TestContext.Current.CancellationToken);
            await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Bound, TestContext.Current.CancellationToken);
            Assert.Equal(0, node.ExitCode);
            Assert.Contains("stopped: drained", rest, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(picture);
            if (!node.HasExited)
            {
                node.Kill();
            }
        }
    }

    [Theory]
    [InlineData("HUP")]
    [InlineData("QUIT")]
    public async Task A_node_serves_what_it_can_read_names_the_rest_and_drains_on_every_signal_to_end(string signal)
    {
        DirectoryInfo models = Directory.CreateTempSubdirectory("troupe-models-");
        string sample = Path.Combine(AppContext.BaseDirectory, "Samples", "models", "fmnist", "1", "model.onnx");
        foreach (string path in new[] { "good/1/model.onnx", "with space/1/model.onnx", "wrong/1/net.onnx", "loose.onnx" })
        {
            string target = Path.Combine(models.FullName, path);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(sample, target);
        }

        models.CreateSubdirectory("empty");
        using Process node = Start([
            "serve",
            "--models",
            models.FullName,
            "--http",
            "127.0.0.1:0",
            "--metrics",
            "off",
            "--cluster",
            "off",
            "--warm-up",
            "off",
            "--devices",
            "emulated:1",
        ]);
        try
        {
            List<string> lines = [];
            string up = await LineWithAsync(node, " is up: ", lines);
            string url = up.Split("http ")[1].Split(' ')[0];
            (int list, string output, _) = await RunAsync(["models", "list", "--json"], ("TROUPE_URL", url));

            Assert.Equal(0, list);
            Assert.Contains("\"name\":\"good\",\"version\":1,\"state\":\"READY\"", output, StringComparison.Ordinal);
            Assert.Single(lines, line => line.Contains("with space' is skipped: A model's name stands in paths", StringComparison.Ordinal));
            Assert.Single(lines, line => line.Contains("empty' is skipped: it has no version folder; ", StringComparison.Ordinal));
            Assert.Single(lines, line => line.Contains("loose.onnx' is skipped: a model is a folder; loose/1/", StringComparison.Ordinal));
            Assert.Single(lines, line => line.Contains("model wrong is not served: NotFound: The folder ", StringComparison.Ordinal));

            using Process kill = Process.Start("kill", [$"-{signal}", node.Id.ToString(CultureInfo.InvariantCulture)]);
            string rest = await node
                .StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)
                .WaitAsync(Bound, TestContext.Current.CancellationToken);
            await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Bound, TestContext.Current.CancellationToken);
            Assert.Equal(0, node.ExitCode);
            Assert.Contains("stopped: drained", rest, StringComparison.Ordinal);
        }
        finally
        {
            models.Delete(recursive: true);
            if (!node.HasExited)
            {
                node.Kill();
            }
        }
    }

    [Fact]
    public async Task A_variable_that_is_misspelt_is_one_line_and_usage()
    {
        (int exit, _, string error) = await RunAsync(["serve", "--devices", "emulated:1"], ("TROUPE_HTPP", "x"));

        Assert.Equal((int)ExitCode.Usage, exit);
        Assert.StartsWith("troupe: TROUPE_HTPP is not a variable that is read; known are TROUPE_MODELS, ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_overlay_is_one_line_and_usage()
    {
        const string hocon = "akka { loglevel = \"";
        const string words = "is no HOCON: the text that begins in line 1 is not closed";
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, hocon, TestContext.Current.CancellationToken);
            (int exit, _, string error) = await RunAsync([
                "serve",
                "--devices",
                "emulated:1",
                "--http",
                "127.0.0.1:0",
                "--metrics",
                "off",
                "--cluster",
                "off",
                "--hocon",
                file,
            ]);

            Assert.Equal((int)ExitCode.Usage, exit);
            Assert.StartsWith(
                $"troupe: --hocon: '{file}' {words}",
                Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
                StringComparison.Ordinal
            );
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task<string> LineWithAsync(Process process, string part, List<string>? before = null)
    {
        List<string> seen = before ?? [];
        using CancellationTokenSource bound = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        bound.CancelAfter(Bound);
        while (await process.StandardOutput.ReadLineAsync(bound.Token) is { } line)
        {
            if (line.Contains(part, StringComparison.Ordinal))
            {
                return line;
            }

            seen.Add(line);
        }

        throw new InvalidOperationException(
            $"The node ended before '{part}': {string.Join('\n', seen)}{await process.StandardError.ReadToEndAsync(bound.Token)}"
        );
    }

    private static async Task<(int Exit, string Output, string Error)> RunAsync(
        string[] arguments,
        params (string Name, string Value)[] environment
    )
    {
        using Process process = Start(arguments, environment);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Bound, TestContext.Current.CancellationToken);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private static Process Start(string[] arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "troupe"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.WithoutSettings();
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
