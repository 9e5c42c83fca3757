using System.CommandLine;
using System.Globalization;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Startup;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe modes list|set|unset|enter|exit|explain|audit</c>.</summary>
internal static class ModesCommand
{
    public static Command Create() =>
        new("modes", "Lists, sets, takes back, enters, exits and explains modes, and reads what one of them counts.")
        {
            CreateList(),
            CreateSet(),
            CreateUnset(),
            ModesEnterCommand.Create(),
            CreateExit(),
            CreateExplain(),
            CreateAudit(),
        };

    private static Command CreateList() =>
        Ask(
            new Command("list", "Lists the baselines, entered modes and sessions that bear on a scope."),
            Endpoints.ListModes,
            (terminal, answer) =>
                terminal.Table(
                    ["Kind", "Scope", "Modes", "#Epoch", "#Lease left", "Token", "Coordinator"],
                    answer.Entries.Select(entry =>
                        (IReadOnlyList<string>)
                            [
                                entry.Kind,
                                entry.ScopeText,
                                string.Join(' ', entry.Modes.Select(mode => $"{mode.Key}={mode.Value}")),
                                Text(entry.Epoch),
                                entry.LeaseLeftSeconds is { } left ? string.Create(CultureInfo.InvariantCulture, $"{left:0} s") : "",
                                entry.Token ?? "",
                                entry.Coordinator,
                            ]
                    )
                )
        );

    private static Command CreateSet()
    {
        Argument<string[]> modes = Modes();
        Command command = new("set", "Sets the baseline of a scope; it holds until set again or taken back.") { modes };
        ScopeOptions scope = new(command);
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                ModeSettingDocument body = new(Read(parsed.GetValue(modes)!), scope.Document(parsed));
                Show(client.Terminal(parsed), "set", await node.AskAsync(Endpoints.SetMode, [], body, cancellation));
                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static Command CreateUnset()
    {
        Argument<string[]> settings = new("SETTING")
        {
            Description = "One or more of " + string.Join(", ", ModeField.All) + ".",
            Arity = ArgumentArity.OneOrMore,
        };
        Command command = new("unset", "Takes the baseline of a scope back for some modes; wider scopes show through again.") { settings };
        ScopeOptions scope = new(command);
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                string named = "settings=" + Uri.EscapeDataString(string.Join(',', parsed.GetValue(settings)!));
                string query = scope.Query(parsed) is { Length: > 0 } selectors ? $"{selectors}&{named}" : "?" + named;
                Show(client.Terminal(parsed), "unset", await node.AskAsync(Endpoints.UnsetMode, [], query, cancellation));
                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static Command CreateExit()
    {
        Argument<string> token = Arguments.Word("TOKEN", "What entering it printed.");
        Command command = new("exit", "Exits an entered mode; answered when everything it held is released.") { token };
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Show(client.Terminal(parsed), "exited", await ExitAsync(node, parsed.GetValue(token)!, cancellation));
                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static Command CreateExplain() =>
        Ask(
            new Command("explain", "Prints what holds for a scope, where each setting comes from, and who cannot run with it."),
            Endpoints.ExplainModes,
            (terminal, answer) =>
            {
                terminal.Table(
                    ["Setting", "Value", "From", "#Epoch", "Conflict"],
                    answer.Settings.Select(line =>
                        (IReadOnlyList<string>)[line.Setting, line.Value, line.Source, Text(line.Epoch), line.Conflict ?? ""]
                    )
                );
                foreach (MissedDocument conflict in answer.Conflicts)
                {
                    terminal.Line($"{conflict.Gpu ?? conflict.Node}: {conflict.Reason}");
                }
            }
        );

    private static Command CreateAudit() =>
        Ask(
            new Command("audit", "Prints what became of the forwards that the mode audit counted, by the scope that asked for it."),
            Endpoints.ReadAudit,
            (terminal, answer) =>
                terminal.Table(
                    ["Scope", "#Accepted", "#Succeeded", "Failed", "#Redispatched", "#Executed", "#Late"],
                    answer.Scopes.Select(row =>
                        (IReadOnlyList<string>)
                            [
                                row.ScopeText,
                                Text(row.Accepted),
                                Text(row.Succeeded),
                                string.Join(' ', row.Failed.Select(failed => $"{failed.Key}={Text(failed.Value)}")),
                                Text(row.Redispatched),
                                Text(row.Executed),
                                Text(row.Late),
                            ]
                    )
                ),
            ofPlaces: false
        );

    /// <summary>A command that asks of a scope and shows the answer.</summary>
    private static Command Ask<TDocument>(
        Command command,
        EdgeEndpoint<TDocument> endpoint,
        Action<Terminal, TDocument> show,
        bool ofPlaces = true
    )
    {
        ScopeOptions scope = new(command, ofPlaces);
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                TDocument answer = await node.AskAsync(endpoint, [], scope.Query(parsed), cancellation);
                client.Terminal(parsed).Show(answer, endpoint.Answered, show);
                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    internal static Task<ModeChangedDocument> ExitAsync(NodeClient node, string token, CancellationToken cancellation) =>
        node.AskAsync(Endpoints.ExitMode, [token], "", cancellation);

    internal static void Show(Terminal terminal, string what, ModeChangedDocument answer) =>
        terminal.Show(
            answer,
            AdminJson.Default.ModeChangedDocument,
            (_, _) =>
            {
                string devices = answer.AppliedBy.Length == 0 ? "" : $" on {string.Join(' ', answer.AppliedBy)}";
                terminal.Line($"{what}{(answer.Token is null ? "" : " " + answer.Token)} at epoch {answer.Epoch}{devices}");
                foreach (MissedDocument missed in answer.NotReached)
                {
                    terminal.Line($"not reached: {missed.Gpu ?? missed.Node}: {missed.Reason}");
                }
            }
        );

    private static string Text(long count) => count.ToString(CultureInfo.InvariantCulture);

    internal static Argument<string[]> Modes() =>
        new("MODE=VALUE")
        {
            Description = "One or more of " + string.Join("; ", ModeField.All.Select(mode => $"{mode.Name}: {mode.Form}")) + ".",
            Arity = ArgumentArity.OneOrMore,
        };

    internal static Dictionary<string, ModeValueText> Read(string[] modes)
    {
        Dictionary<string, ModeValueText> read = [];
        HashSet<string> seen = [];
        foreach (string mode in modes)
        {
            int equals = mode.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new CliException(ExitCode.Usage, $"'{mode}': a mode is written NAME=VALUE, e.g. cuda-graphs=auto");
            }

            string name = mode[..equals];
            if (!seen.Add(ModeSpelling.Key(name)))
            {
                throw new CliException(ExitCode.Usage, $"the mode '{name}' is given twice");
            }

            read.Add(name, new ModeValueText(mode[(equals + 1)..]));
        }

        return read;
    }
}
