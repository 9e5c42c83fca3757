using System.Text.Json;
using Troupe.Hosting.Cli;
using Troupe.Hosting.Failures;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Cli;

public sealed class ArtifactCommandTests
{
    [Fact]
    public async Task A_file_that_is_not_there_is_one_line_and_its_own_exit_code()
    {
        (int code, string error) = await RunAsync("/no/such/file.ts");

        Assert.Equal((int)ExitCode.PathNotFound, code);
        Assert.Contains("/no/such/file.ts", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_cut_off_is_refused_in_one_line()
    {
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, [.. "TR01"u8, 32, 0, 0, 0, 5], TestContext.Current.CancellationToken);
            (int code, string error) = await RunAsync(path);

            Assert.Equal((int)ExitCode.Refused, code);
            Assert.Single(error.Trim().Split('\n'));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task An_emulated_plan_is_made_and_shown_with_what_it_stands_for()
    {
        using ModuleFolder folder = new();
        folder.Write("net.onnx", TinyModels.Scale(2));
        string manifest = folder.Write(
            "engine.json",
            """{ "onnx": "net.onnx", "streamableBytes": 64, "profiles": [[{ "input": "x", "min": [1, 4], "opt": [2, 4], "max": [8, 4] }]] }"""
        );
        string plan = Path.Combine(folder.Path, "model.plan");

        (int made, string said, _) = await TroupeAsync("artifact", "emulate", manifest, plan);
        (int shown, string table, _) = await TroupeAsync("artifact", "inspect", plan);
        (_, string json, _) = await TroupeAsync("artifact", "inspect", plan, "--json");

        Assert.Equal((0, 0), (made, shown));
        Assert.Contains($"{plan}: {new FileInfo(plan).Length} bytes", said, StringComparison.Ordinal);
        Assert.Contains("x [1,4] to [8,4], best [2,4]", table, StringComparison.Ordinal);
        string document = json.Trim().Split('\n')[^1];
        Dictionary<string, string> lines = JsonDocument
            .Parse(document)
            .RootElement.EnumerateArray()
            .ToDictionary(line => line.GetProperty("name").GetString()!, line => line.GetProperty("value").GetString()!);
        Assert.EndsWith("bytes, emulated", lines["engine[0].plan"], StringComparison.Ordinal);
        Assert.StartsWith("net.onnx, ", lines["engine[0].emulated.onnx"], StringComparison.Ordinal);
        Assert.Equal("64", lines["engine[0].emulated.streamableBytes"]);

        byte[] changed = await File.ReadAllBytesAsync(plan, TestContext.Current.CancellationToken);
        changed[^1] ^= 1;
        await File.WriteAllBytesAsync(plan, changed, TestContext.Current.CancellationToken);
        (int broken, string brokenTable, _) = await TroupeAsync("artifact", "inspect", plan);
        Assert.Equal(0, broken);
        Assert.Contains("was changed since it was written", brokenTable, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("absent.json", (int)ExitCode.PathNotFound, "There is no file")]
    [InlineData("wrong.json", (int)ExitCode.Refused, "lacks 'onnx'")]
    [InlineData("orphan.json", (int)ExitCode.PathNotFound, "none.onnx")]
    [InlineData("outside.json", (int)ExitCode.Refused, "outside the module's folder")]
    public async Task An_emulated_plan_that_cannot_be_made_is_refused_in_one_line(string file, int expected, string text)
    {
        using ModuleFolder folder = new();
        folder.Write("wrong.json", "{}");
        folder.Write("orphan.json", """{ "onnx": "none.onnx" }""");
        folder.Write("outside.json", """{ "onnx": "../net.onnx" }""");
        (int code, _, string error) = await TroupeAsync(
            "artifact",
            "emulate",
            Path.Combine(folder.Path, file),
            Path.Combine(folder.Path, "model.plan")
        );
        Assert.Equal(expected, code);
        Assert.Contains(text, error, StringComparison.Ordinal);
        Assert.Single(error.Trim().Split('\n'));
        Assert.False(File.Exists(Path.Combine(folder.Path, "model.plan")));
    }

    private static async Task<(int Code, string Error)> RunAsync(string file)
    {
        (int code, _, string error) = await TroupeAsync("artifact", "inspect", file);
        return (code, error);
    }

    private static async Task<(int Code, string Output, string Error)> TroupeAsync(params string[] arguments)
    {
        using StringWriter output = new(),
            error = new();
        int code = await TroupeCommand.RunAsync(arguments, output, error, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }
}
