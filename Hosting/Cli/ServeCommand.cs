using System.Collections;
using System.CommandLine;
using Troupe.Hosting.Bench;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe serve</c>: runs a node until Ctrl-C, SIGTERM, SIGHUP or SIGQUIT, then drains.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        Command command = new(
            "serve",
            "Runs a node: devices, models, the V2 protocol over HTTP, metrics. Every option can also stand in TROUPE_… or in the section Troupe of appsettings.json."
        );
        Dictionary<OptionKey, Option<string[]>> switches = OptionKeys.All.ToDictionary(
            key => key,
            key => new Option<string[]>(key.Switch)
            {
                Description = $"{key.Help} [{key.Variable}]",
                HelpName = key.ValueForm,
                Arity = ArgumentArity.ZeroOrMore,
            }
        );
        foreach (Option<string[]> option in switches.Values)
        {
            option.Arity = ArgumentArity.OneOrMore;
            command.Options.Add(option);
        }

        Option<string?> config = new("--config")
        {
            Description = "Settings file. Default: appsettings.json beside the executable.",
            HelpName = "FILE",
        };
        command.Options.Add(config);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                ServeOptions options = ServeOptions.Read(
                    key => parsed.GetResult(switches[key]) is null ? [] : parsed.GetValue(switches[key]) ?? [],
                    Environment
                        .GetEnvironmentVariables()
                        .Cast<DictionaryEntry>()
                        .ToDictionary(one => (string)one.Key, one => one.Value as string ?? "", StringComparer.Ordinal),
                    SettingsFile(parsed.GetValue(config))
                );
                ServeSpec spec = ServeSpecReader.Read(options, out IReadOnlyList<OptionProblem> problems);
                if (problems.Count > 0)
                {
                    TextWriter error = parsed.InvocationConfiguration.Error;
                    foreach (OptionProblem problem in problems)
                    {
                        await error.WriteLineAsync($"troupe: {problem.Text}");
                    }

                    return (int)(problems.All(problem => problem.IsMissingPath) ? ExitCode.PathNotFound : ExitCode.Usage);
                }

                try
                {
                    await EdgeHost.RunAsync(spec, spec.WarmUp ? WarmUpRun.RunAsync : null, cancellation);
                }
                catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
                {
                    // Stopped while it was still starting: it was not ready, and what came nevertheless was answered as the node
                    // went down.
                }

                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static string? SettingsFile(string? named)
    {
        if (named is not null)
        {
            return File.Exists(named)
                ? named
                : throw new CliException(ExitCode.PathNotFound, $"--config: '{named}': there is no such file");
        }

        string standard = Path.Combine(AppContext.BaseDirectory, "appsettings.json");
        return File.Exists(standard) ? standard : null;
    }
}
