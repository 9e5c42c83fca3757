using System.Net;
using System.Net.NetworkInformation;
using System.Text.RegularExpressions;
using Troupe.TestSupport.Documents;

namespace Troupe.Docs.Tests;

/// <summary>The README as its reader runs it: every command of it, in its order, as written, from the folder of the solution; what it says
/// they print, they print.</summary>
public sealed partial class ReadmeTests
{
    /// <summary>Runs this test: a command that the reader runs, and a build of this repository runs too.</summary>
    private const string TestCommand = "dotnet test Cluster.sln";

    [Fact]
    public async Task Every_command_of_the_readme_does_what_it_says()
    {
        await using Shell build = Shell.OpenPlain();
        await using Shell shell = await Shell.OpenAsync();
        await RefuseTakenPortsAsync(shell);
        List<(int Process, string Log)> nodes = [];
        try
        {
            foreach (Step step in Walkthrough.Of("README.md").Where(step => step.Command != TestCommand))
            {
                string printed;
                if (Serves().IsMatch(step.Command))
                {
                    (int process, string log) = await shell.StartAsync(step.Command);
                    nodes.Add((process, log));
                    printed = await shell.UntilAsync(process, log, " is up: ");
                }
                else
                {
                    (int exit, printed) = await (Builds().IsMatch(step.Command) ? build : shell).RunAsync(step.Command);
                    Assert.True(exit == 0, $"{step.Command}: {exit}\n{printed}");
                }

                Assert.True(!Trouble().IsMatch(printed), $"{step.Command} prints what reads like an error:\n{printed}");
                Assert.True(
                    Walkthrough.Missing(step, printed) is not { Count: > 0 } missing,
                    $"{step.Command} did not print\n{string.Join('\n', Walkthrough.Missing(step, printed))}\nbut\n{printed}"
                );
            }
        }
        finally
        {
            // The newest first, as they joined; each drains.
            foreach ((int process, string log) in Enumerable.Reverse(nodes))
            {
                await shell.RunAsync($"kill -TERM {process}; wait {process}");
                Assert.Contains("stopped: drained", await File.ReadAllTextAsync(log, CancellationToken.None), StringComparison.Ordinal);
                File.Delete(log);
            }
        }
    }

    [Fact]
    public void The_readme_has_its_commands_in_their_order()
    {
        string[] commands = [.. Walkthrough.Of("README.md").Select(step => step.Command)];
        Assert.Equal("dotnet run --project Hosting -- demo", commands[0]);
        Assert.Equal(TestCommand, commands[1]);
        Assert.Equal("dotnet run --project Hosting -- serve --models Hosting/Samples/models", commands[2]);
    }

    [Fact]
    public void The_test_command_is_what_the_build_of_this_repository_runs() =>
        Assert.Contains(TestCommand, File.ReadAllText(Path.Combine(Document.Root, ".ci", "run")), StringComparison.Ordinal);

    [Theory]
    [InlineData("total 200\nthen 7.5 µs", true)]
    [InlineData("then 7.5 µs\ntotal 200", false)]
    [InlineData("total 200", false)]
    public void Output_is_compared_in_order_without_its_numbers(string printed, bool same) =>
        Assert.Equal(same, Walkthrough.Missing(new Step("a", ["  total   186", "then 12 µs"]), printed).Count == 0);

    private static async Task RefuseTakenPortsAsync(Shell shell)
    {
        (_, string own) = await shell.RunAsync("readlink /proc/$$/ns/net");
        string machine = File.ResolveLinkTarget("/proc/self/ns/net", returnFinalTarget: false)?.Name ?? "";
        if (own.Trim().EndsWith(machine, StringComparison.Ordinal))
        {
            int[] named = [8000, 8002, 4053, 8100, 8102, 4153];
            IPEndPoint[] taken = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners();
            Assert.SkipWhen(
                taken.Any(end => named.Contains(end.Port)),
                "A port that the README names is taken on this machine, and no network of its own can be made."
            );
        }
    }

    [GeneratedRegex(@"^(dotnet run .*-- |troupe )serve\b")]
    private static partial Regex Serves();

    [GeneratedRegex(@"^dotnet (publish|build|pack)\b")]
    private static partial Regex Builds();

    [GeneratedRegex(@"\b(error|warn|warning|failed|failure|exception|cannot|could not)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Trouble();
}
