using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Troupe.Docs.Tests;

/// <summary>A terminal: one <c>bash</c> in the folder of the solution, which is given one command after the other, as a reader would type
/// them.</summary>
/// <remarks>Where the machine lets it, the terminal has a network of its own, so that the ports that documents name are free. Commands that
/// build are run in the machine's own network, where packages can be fetched.</remarks>
internal sealed class Shell : IAsyncDisposable
{
    private const char Mark = '\u0001';
    private static readonly TimeSpan Bound = TimeSpan.FromMinutes(9);

    private readonly Process _bash;

    private Shell(Process bash) => _bash = bash;

    /// <summary>Opens a terminal with free ports.</summary>
    public static async Task<Shell> OpenAsync()
    {
        Shell shell = Start("unshare", "-rn", "bash", "--noprofile", "--norc");
        (int exit, _) = await shell.RunAsync("ip link set lo up");
        if (exit == 0)
        {
            return shell;
        }

        await shell.DisposeAsync();
        return OpenPlain();
    }

    /// <summary>Opens a terminal in the machine's own network.</summary>
    public static Shell OpenPlain() => Start("bash", "--noprofile", "--norc");

    /// <summary>Runs one command to its end.</summary>
    /// <returns>Its exit code, 127 where there is no terminal, and what it printed to both streams.</returns>
    public async Task<(int Exit, string Output)> RunAsync(string command)
    {
        StringBuilder output = new();
        try
        {
            await _bash.StandardInput.WriteAsync($"{command}\nprintf '{Mark}%s\\n' $?\n");
            await _bash.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
            while (
                await _bash
                    .StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)
                    .AsTask()
                    .WaitAsync(Bound, TestContext.Current.CancellationToken)
                    is { } line
            )
            {
                int mark = line.IndexOf(Mark, StringComparison.Ordinal);
                output.Append(mark < 0 ? line + "\n" : line[..mark]);
                if (mark >= 0)
                {
                    return (int.Parse(line[(mark + 1)..], CultureInfo.InvariantCulture), output.ToString());
                }
            }
        }
        catch (IOException)
        {
            // The terminal could not be opened: its end of the pipe is closed.
        }

        return (127, output.ToString());
    }

    /// <summary>Starts a command that goes on, as in a terminal of its own.</summary>
    /// <returns>Its process, and the file that it prints to.</returns>
    public async Task<(int Process, string Log)> StartAsync(string command)
    {
        string log = Path.GetTempFileName();
        (_, string output) = await RunAsync($"{command} > {log} 2>&1 & echo $!");
        return (int.Parse(output.Trim(), CultureInfo.InvariantCulture), log);
    }

    /// <summary>Waits until a running command has printed a text.</summary>
    public async Task<string> UntilAsync(int process, string log, string text)
    {
        long start = Stopwatch.GetTimestamp();
        using PeriodicTimer period = new(TimeSpan.FromMilliseconds(200));
        while (await period.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            string printed = await File.ReadAllTextAsync(log, TestContext.Current.CancellationToken);
            if (printed.Contains(text, StringComparison.Ordinal))
            {
                return printed;
            }

            (int alive, _) = await RunAsync($"kill -0 {process} 2> /dev/null");
            Assert.True(alive == 0, $"ended before it printed '{text}':\n{printed}");
            Assert.True(Stopwatch.GetElapsedTime(start) < Bound, $"not within {Bound}: '{text}' in\n{printed}");
        }

        throw new OperationCanceledException();
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _bash.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended before.
        }

        await _bash.WaitForExitAsync().WaitAsync(Bound);
        _bash.Dispose();
    }

    private static Shell Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new("bash")
        {
            WorkingDirectory = TestSupport.Documents.Document.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add($"exec {program} {string.Join(' ', arguments)} 2>&1");

        // What the test's own host was started with is not the reader's.
        foreach (string inherited in start.Environment.Keys.Where(IsOfTheTestHost).ToArray())
        {
            start.Environment.Remove(inherited);
        }

        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        return new Shell(Process.Start(start)!);
    }

    private static bool IsOfTheTestHost(string variable) =>
        variable.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
        || variable.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)
        || variable.StartsWith("TROUPE_", StringComparison.Ordinal)
        || variable is "DOTNET_CLI_UI_LANGUAGE" or "DOTNET_HOST_PATH" or "DOTNET_STARTUP_HOOKS";
}
