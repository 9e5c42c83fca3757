using System.Globalization;
using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;

namespace Troupe.Hosting.Probes;

/// <summary>Puts into words how a process ended in which a model was tried, and what to do.</summary>
internal static class ProbeEnd
{
    private const string Anyway = "The node is not affected. Repair the model or export it again.";

    /// <summary>It ended before it reported.</summary>
    /// <param name="exitCode">As a shell has it: 128 and the signal's number where a signal ended it.</param>
    /// <param name="error">What it wrote to standard error.</param>
    public static ModuleLoadException Died(string model, string path, int exitCode, string error) =>
        new(
            FailureKind.InvalidModel,
            $"The model '{model}' ({path}) ended the process that it was tried in: {HowOf(exitCode)}{Said(error)}. {Anyway}"
        );

    public static ModuleLoadException TooLong(string model, string path, TimeSpan bound) =>
        new(
            FailureKind.DeadlineExceeded,
            $"The model '{model}' ({path}) was tried for {bound.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)} s without an end and was given up. {Anyway} A model that needs longer is given it with --probe-timeout."
        );

    public static ModuleLoadException TooLarge(string model, string path, long taken, long bound) =>
        new(
            FailureKind.InvalidModel,
            $"The model '{model}' ({path}) took {taken} bytes of memory where it was tried, more than the {bound} of --probe-memory, and was given up. {Anyway} A model that needs more is given it with --probe-memory."
        );

    /// <summary>It was loaded, and what it said of it is more than is read.</summary>
    public static ModuleLoadException SaidTooMuch(string model, string path, int bound) =>
        new(
            FailureKind.InvalidModel,
            $"The model '{model}' ({path}) was tried, but the report on it is longer than the {bound} characters that are read: it has too many files, or names too long. {Anyway}"
        );

    /// <summary>There is no process to try it in: it is not loaded untried.</summary>
    public static ModuleLoadException NotStarted(string model, string why) =>
        new(
            FailureKind.NotSupported,
            $"The model '{model}' was not loaded: models that are asked for from outside are first tried in a process of their own, which cannot be started: {why}. Put the executable 'troupe' beside this program, or start the node with --probe-loads off."
        );

    private static string HowOf(int exitCode) =>
        exitCode is > 128 and < 160 ? $"signal {exitCode - 128}{NameOf(exitCode - 128)}" : $"exit code {exitCode}";

    private static string NameOf(int signal) =>
        signal switch
        {
            4 => " (SIGILL)",
            6 => " (SIGABRT)",
            7 => " (SIGBUS)",
            8 => " (SIGFPE)",
            9 => " (SIGKILL, which the system sends when memory runs out)",
            11 => " (SIGSEGV)",
            15 => " (SIGTERM)",
            _ => "",
        };

    /// <summary>Its last line that is for people: no stack, no type of the program.</summary>
    private static string Said(string error)
    {
        string line =
            error
                .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .LastOrDefault(static line =>
                    !line.StartsWith("at ", StringComparison.Ordinal)
                    && !line.StartsWith("--- ", StringComparison.Ordinal)
                    && !line.StartsWith("Unhandled exception", StringComparison.Ordinal)
                    && !line.Contains("System.", StringComparison.Ordinal)
                )
            ?? "";
        return line.Length == 0 ? "" : $" ('{(line.Length > 200 ? line[..200] + "…" : line)}')";
    }
}
