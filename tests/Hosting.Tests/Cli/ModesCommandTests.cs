using System.Text.Json;
using Troupe.Hosting.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Tests.Cli;

/// <summary><c>troupe modes</c> against a real node: held while the command runs, gone when it ends, one line and a code for each
/// error.</summary>
public sealed class ModesCommandTests(ServedNode node) : IClassFixture<ServedNode>
{
    [Fact]
    public async Task What_is_set_is_listed_and_explained_as_a_table_and_as_json()
    {
        (int exit, string output, string error) = await node.RunAsync([
            "modes",
            "set",
            "pre-allocated-outputs=on",
            "profile=auto",
            "--model",
            "fmnist",
        ]);
        Assert.True(exit == 0, error);
        Assert.StartsWith("set at epoch ", output, StringComparison.Ordinal);
        Assert.Contains($" on {node.Node}/0 {node.Node}/1", output, StringComparison.Ordinal);

        (exit, output, _) = await node.RunAsync(["modes", "list", "--model", "fmnist"]);
        Assert.Equal(0, exit);
        Assert.Contains("model fmnist", output, StringComparison.Ordinal);
        Assert.Contains("pre-allocated-outputs=on profile=auto", output, StringComparison.Ordinal);

        (exit, output, _) = await node.RunAsync(["modes", "explain", "--model", "fmnist", "--json"]);
        Assert.Equal(0, exit);
        JsonElement line = JsonDocument
            .Parse(output)
            .RootElement.GetProperty("settings")
            .EnumerateArray()
            .Single(line => line.GetProperty("setting").GetString() == "pre-allocated-outputs");
        Assert.Equal(("on", "model fmnist (baseline)"), (line.GetProperty("value").GetString(), line.GetProperty("source").GetString()));

        (exit, output, _) = await node.RunAsync(["modes", "explain", "--model", "fmnist"]);
        Assert.Equal(0, exit);
        Assert.Contains("pre-allocated-outputs", output, StringComparison.Ordinal);
        Assert.Equal(0, (await node.RunAsync(["modes", "set", "pre-allocated-outputs=off", "--model", "fmnist"])).Exit);
    }

    [Fact]
    public async Task What_explain_and_list_print_can_be_pasted_into_set()
    {
        (int exit, string output, string error) = await node.RunAsync(["modes", "explain", "--json"]);
        Assert.True(exit == 0, error);
        string[] explained = Settings(output);
        Assert.Equal(ModeField.All.Select(field => field.Name), explained.Select(pair => pair.Split('=')[0]));

        (exit, _, error) = await node.RunAsync(["modes", "set", .. explained]);
        Assert.True(exit == 0, error);
        Assert.Equal(explained, Settings((await node.RunAsync(["modes", "explain", "--json"])).Output));

        (exit, output, error) = await node.RunAsync(["modes", "list", "--json"]);
        Assert.True(exit == 0, error);
        string[] listed =
        [
            .. JsonDocument
                .Parse(output)
                .RootElement.GetProperty("entries")
                .EnumerateArray()
                .Single(entry =>
                    entry.GetProperty("kind").GetString() == "baseline" && entry.GetProperty("scope_text").GetString() == "cluster"
                )
                .GetProperty("modes")
                .EnumerateObject()
                .Select(mode => $"{mode.Name}={mode.Value.GetString()}"),
        ];
        Assert.Equal(explained, listed);
        Assert.Equal(0, (await node.RunAsync(["modes", "set", .. listed])).Exit);

        (exit, output, error) = await node.RunAsync(["modes", "unset", .. explained.Select(pair => pair.Split('=')[0])]);
        Assert.True(exit == 0, error);
        Assert.StartsWith("unset at epoch ", output, StringComparison.Ordinal);
        Assert.Equal("default", (await node.ExplainAsync("profile")).Source);

        static string[] Settings(string json) =>
            [
                .. JsonDocument
                    .Parse(json)
                    .RootElement.GetProperty("settings")
                    .EnumerateArray()
                    .Select(line => $"{line.GetProperty("setting").GetString()}={line.GetProperty("value").GetString()}"),
            ];
    }

    [Fact]
    public async Task Entered_for_a_time_longer_than_its_lease_it_is_renewed_and_exited_when_the_time_is_up()
    {
        Task<(int Exit, string Output, string Error)> entered = node.RunAsync([
            "modes",
            "enter",
            "cuda-graphs=per-segment",
            "--lease",
            "300ms",
            "--for",
            "1500ms",
        ]);
        await UntilAsync(async () => (await node.ExplainAsync("cuda-graphs")).Value == "per-segment");

        // Two leases later it still holds.
        using PeriodicTimer leases = new(TimeSpan.FromMilliseconds(700));
        await leases.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        if (!entered.IsCompleted)
        {
            Assert.Equal("per-segment", (await node.ExplainAsync("cuda-graphs")).Value);
        }

        (int exit, string output, string error) = await entered;
        Assert.True(exit == 0, error);
        Assert.StartsWith("entered ", output, StringComparison.Ordinal);
        Assert.EndsWith("exited\n", error, StringComparison.Ordinal);
        Assert.Equal("off", (await node.ExplainAsync("cuda-graphs")).Value);
    }

    [Fact]
    public async Task Interrupted_it_exits_the_mode_and_does_not_leave_it_to_its_lease()
    {
        using CancellationTokenSource interrupt = new();
        Task<(int Exit, string Output, string Error)> entered = node.InterruptAsync(
            ["modes", "enter", "multi-device-safe=on", "--model", "fmnist", "--lease", "10m", "--json"],
            interrupt.Token
        );
        await UntilAsync(async () => (await node.ExplainAsync("multi-device-safe", "?model=fmnist")).Value == "on");
        await interrupt.CancelAsync();
        (int exit, string output, _) = await entered;
        Assert.Equal(0, exit);
        Assert.Equal(32, JsonDocument.Parse(output).RootElement.GetProperty("token").GetString()!.Length);
        Assert.Equal("off", (await node.ExplainAsync("multi-device-safe", "?model=fmnist")).Value);
    }

    [Fact]
    public async Task Exited_by_its_token_from_elsewhere_the_command_that_held_it_says_so()
    {
        Task<(int Exit, string Output, string Error)> entered = node.RunAsync([
            "modes",
            "enter",
            "multi-device-safe=on",
            "--gpu",
            $"{node.Node}/1",
            "--lease",
            "300ms",
        ]);
        string? token = null;
        await UntilAsync(async () =>
        {
            JsonElement entries = (await node.AskAsync("GET", $"/v2/troupe/modes?gpu={node.Node}/1")).GetProperty("entries");
            token = entries
                .EnumerateArray()
                .Select(entry =>
                    entry.TryGetProperty("token", out JsonElement its)
                    && entry.GetProperty("modes").TryGetProperty("multi-device-safe", out _)
                        ? its.GetString()
                        : null
                )
                .FirstOrDefault(its => its is not null);
            return token is not null;
        });
        (int exit, string output, string error) = await node.RunAsync(["modes", "exit", token!]);
        Assert.True(exit == 0, error);
        Assert.StartsWith($"exited {token} at epoch ", output, StringComparison.Ordinal);

        (exit, _, error) = await entered;
        Assert.Equal((int)ExitCode.NotFound, exit);
        Assert.Contains("troupe: the mode is no longer held: The mode of token", error, StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.NotFound, (await node.RunAsync(["modes", "exit", token!])).Exit);
    }

    [Theory]
    [InlineData(2, "'cuda-graphs': a mode is written NAME=VALUE", "enter cuda-graphs")]
    [InlineData(2, "the mode 'cuda_graphs' is given twice", "enter cuda-graphs=auto cuda_graphs=off")]
    [InlineData(7, "there is no mode 'cuda-grafs'", "enter cuda-grafs=auto")]
    [InlineData(7, "mode 'cuda-graphs' has no value 'often'", "set cuda-graphs=often")]
    [InlineData(7, "Both CUDA Graphs and dynamic output allocation", "set cuda-graphs=auto output-allocator=on")]
    [InlineData(6, "Model 'nope' is not loaded", "set cuda-graphs=auto --model nope")]
    [InlineData(6, "Node elsewhere:1 is not a member", "explain --node elsewhere:1")]
    [InlineData(7, "is no session", "list --session mine")]
    [InlineData(7, "TRT-RTX-only", "set graph-strategy=whole-graph-capture --model fmnist")]
    [InlineData(7, "not a name inside the node's cache folder", "set runtime-cache=/etc/passwd")]
    [InlineData(7, "A lease of 90000 s is out of range", "enter cuda-graphs=auto --lease 25h")]
    [InlineData(2, "--lease: '0s': write a number with ms, s, m or h", "enter cuda-graphs=auto --lease 0s")]
    [InlineData(2, "--for: 'ever': write a number with ms, s, m or h", "enter cuda-graphs=auto --for ever")]
    [InlineData(7, "'nonsense' is no token", "exit nonsense")]
    [InlineData(6, "is not known: it is foreign", "exit 00000000000000000000000000000003")]
    [InlineData(2, "Required argument missing", "set")]
    [InlineData(2, "Required argument missing", "unset")]
    [InlineData(7, "there is no mode 'cuda-grafs'", "unset profile cuda-grafs")]
    [InlineData(6, "Model 'nope' is not loaded", "unset profile --model nope")]
    [InlineData(2, "Unrecognized command or argument '--modle'", "list --modle fmnist")]
    public async Task Trouble_is_one_line_and_a_code_and_changes_nothing(int code, string words, string arguments)
    {
        string before = (await node.AskAsync("GET", "/v2/troupe/modes"))
            .GetProperty("entries")
            .GetArrayLength()
            .ToString(System.Globalization.CultureInfo.InvariantCulture);
        (int exit, string output, string error) = await node.RunAsync(["modes", .. arguments.Split(' ')]);
        Assert.True(code == exit && error.Contains(words, StringComparison.Ordinal), $"{arguments}: {exit} {error}");
        Assert.Equal("", output);
        Assert.StartsWith("troupe: ", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal(
            before,
            (await node.AskAsync("GET", "/v2/troupe/modes"))
                .GetProperty("entries")
                .GetArrayLength()
                .ToString(System.Globalization.CultureInfo.InvariantCulture)
        );
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        bound.CancelAfter(TimeSpan.FromSeconds(30));
        using PeriodicTimer period = new(TimeSpan.FromMilliseconds(10));
        while (!await condition())
        {
            await period.WaitForNextTickAsync(bound.Token);
        }
    }
}
