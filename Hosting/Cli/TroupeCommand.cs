using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Cli;

/// <summary>The command line as a whole: which commands there are, and how any failure becomes one line and an exit code.</summary>
internal static class TroupeCommand
{
    /// <summary>Parses and runs; never throws.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken stop)
    {
        RootCommand root = Build();
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Action is ParseErrorAction)
        {
            string problem = parsed.UnmatchedTokens is [var unknown, ..]
                ? $"Unrecognized command or argument '{unknown}'."
                : parsed.Errors[0].Message;
            return Fail(error, ExitCode.Usage, $"{problem} Try 'troupe {CommandPath(parsed.CommandResult)}--help'.");
        }

        try
        {
            InvocationConfiguration configuration = new()
            {
                Output = output,
                Error = error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return await parsed.InvokeAsync(configuration, stop);
        }
        catch (CliException expected)
        {
            return Fail(error, expected.Code, expected.Message);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Fail(error, ExitCode.Interrupted, "stopped before the work was done");
        }
#pragma warning disable CA1031 // The last stop before the user: whatever it is, it becomes one line.
        catch (Exception defect)
#pragma warning restore CA1031
        {
            if (Environment.GetEnvironmentVariable(OptionVariables.StackTrace) == "1")
            {
                error.WriteLine(defect);
            }

            return Fail(error, ExitCode.Failed, $"a defect: {OneLine(defect.Message)} ({OptionVariables.StackTrace}=1 shows where)");
        }
    }

    internal static RootCommand Build()
    {
        RootCommand root = new("Troupe: inference on GPUs that are actors, on one machine or many.");
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(ServeCommand.Create());
        root.Subcommands.Add(InferCommand.Create());
        root.Subcommands.Add(BenchCommand.Create());
        root.Subcommands.Add(ArtifactCommand.Create());
        root.Subcommands.Add(ModelsCommand.Create());
        root.Subcommands.Add(DevicesCommand.Create());
        root.Subcommands.Add(NodesCommand.Create());
        root.Subcommands.Add(ModesCommand.Create());
        root.Subcommands.Add(TryModelCommand.Create());
        return root;
    }

    private static int Fail(TextWriter error, ExitCode code, string message)
    {
        error.WriteLine($"troupe: {OneLine(message)}");
        return (int)code;
    }

    private static string OneLine(string text) =>
        string.Join(' ', text.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static string CommandPath(SymbolResult result) =>
        result is CommandResult { Command: not RootCommand } command ? CommandPath(command.Parent!) + command.Command.Name + " " : "";
}
