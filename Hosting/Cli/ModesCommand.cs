using System.CommandLine;
using System.Globalization;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe modes list|set|unset|enter|exit|explain|audit</c>.</summary>
/// <remarks>It is long because its verbs share scope options and the renewal of what is held.</remarks>
internal static class ModesCommand
{
    public static Command Create() =>
        new("modes", "Lists, sets, takes back, enters, exits and explains modes, and reads what one of them counts.")
        {
            CreateList(),
            CreateSet(),
            CreateUnset(),
            CreateEnter(),
            CreateExit(),
            CreateExplain(),
            CreateAudit(),
        };

    private static Command CreateList()
    {
        Command command = new("list", "Lists the baselines, entered modes and sessions that bear on a scope.");
        ScopeOptions scope = new(command);
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                ModesDocument answer = await node.AskAsync(Endpoints.ListModes, [], scope.Query(parsed), cancellation);
                if (terminal.Json)
                {
                    terminal.Document(answer, AdminJson.Default.ModesDocument);
                    return (int)ExitCode.Success;
                }

                terminal.Table(
                    ["Kind", "Scope", "Modes", "#Epoch", "#Lease left", "Token", "Coordinator"],
                    answer.Entries.Select(entry =>
                        (IReadOnlyList<string>)
                            [
                                entry.Kind,
                                entry.ScopeText,
                                string.Join(' ', entry.Modes.Select(mode => $"{mode.Key}={mode.Value}")),
                                entry.Epoch.ToString(CultureInfo.InvariantCulture),
                                entry.LeaseLeftSeconds is { } left ? string.Create(CultureInfo.InvariantCulture, $"{left:0} s") : "",
                                entry.Token ?? "",
                                entry.Coordinator,
                            ]
                    )
                );
                return (int)ExitCode.Success;
            }
        );
        return command;
    }

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
                ModeChangeDocument body = new(Read(parsed.GetValue(modes)!), scope.Document(parsed));
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

    private static Command CreateEnter()
    {
        Argument<string[]> modes = Modes();
        Option<string> lease = new("--lease")
        {
            Description = "The mode ends this long after the command was last heard of. Default 30s.",
            HelpName = "TIME",
            DefaultValueFactory = _ => "30s",
        };
        Option<string?> time = new("--for") { Description = "Exit after this time. Default: hold until Ctrl-C.", HelpName = "TIME" };
        Command command = new("enter", "Enters modes for a scope and holds them, renewing the lease, until Ctrl-C or --for.")
        {
            modes,
            lease,
            time,
        };
        ScopeOptions scope = new(command);
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, stop) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                TimeSpan held = Time(parsed.GetValue(lease)!, "--lease");
                TimeSpan? end = parsed.GetValue(time) is { } written ? Time(written, "--for") : null;
                ModeChangeDocument body = new(Read(parsed.GetValue(modes)!), scope.Document(parsed), parsed.GetValue(lease));

                // After Ctrl-C the answer is still waited for: without its token the mode would be left to its lease.
                using CancellationTokenSource answer = new();
                await using CancellationTokenRegistration stopping = stop.Register(() => answer.CancelAfter(TimeSpan.FromSeconds(5)));
                ModeChangedDocument entered = await node.AskAsync(Endpoints.EnterMode, [], body, answer.Token);
                Show(terminal, "entered", entered);
                terminal.Remark(end is null ? "held until Ctrl-C" : $"held for {parsed.GetValue(time)}, or until Ctrl-C");
                try
                {
                    await HoldAsync(node, entered.Token!, parsed.GetValue(lease)!, held, end, stop);
                }
                catch (CliException lost) when (lost.Code == ExitCode.NotFound)
                {
                    throw new CliException(ExitCode.NotFound, $"the mode is no longer held: {lost.Message}", lost);
                }
                catch
                {
                    await TryExitAsync(node, entered.Token!);
                    throw;
                }

                // Also after Ctrl-C: what was entered is exited, and not left to its lease.
                await ExitAsync(node, entered.Token!, CancellationToken.None);
                terminal.Remark("exited");
                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static Command CreateExit()
    {
        Argument<string> token = new("TOKEN") { Description = "What entering it printed." };
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

    private static Command CreateExplain()
    {
        Command command = new("explain", "Prints what holds for a scope, where each setting comes from, and who cannot run with it.");
        ScopeOptions scope = new(command);
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                ModeExplanationDocument answer = await node.AskAsync(Endpoints.ExplainModes, [], scope.Query(parsed), cancellation);
                if (terminal.Json)
                {
                    terminal.Document(answer, AdminJson.Default.ModeExplanationDocument);
                    return (int)ExitCode.Success;
                }

                terminal.Table(
                    ["Setting", "Value", "From", "#Epoch", "Conflict"],
                    answer.Settings.Select(line =>
                        (IReadOnlyList<string>)
                            [line.Setting, line.Value, line.Source, line.Epoch.ToString(CultureInfo.InvariantCulture), line.Conflict ?? ""]
                    )
                );
                foreach (MissedDocument conflict in answer.Conflicts)
                {
                    terminal.Line($"{conflict.Gpu ?? conflict.Node}: {conflict.Reason}");
                }

                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static Command CreateAudit()
    {
        Command command = new("audit", "Prints what became of the forwards that the mode audit counted, by the scope that asked for it.");
        ScopeOptions scope = new(command);
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                AuditDocument answer = await node.AskAsync(Endpoints.ReadAudit, [], scope.Query(parsed), cancellation);
                if (terminal.Json)
                {
                    terminal.Document(answer, AdminJson.Default.AuditDocument);
                    return (int)ExitCode.Success;
                }

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
                );
                return (int)ExitCode.Success;
            }
        );
        return command;

        static string Text(long count) => count.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Renews three times per lease until the time is up or the command is interrupted.</summary>
    private static async Task HoldAsync(NodeClient node, string token, string lease, TimeSpan held, TimeSpan? end, CancellationToken stop)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (end is { } time)
        {
            bound.CancelAfter(time);
        }

        using PeriodicTimer timer = new(held / 3);
        try
        {
            while (await timer.WaitForNextTickAsync(bound.Token))
            {
                await node.AskAsync(Endpoints.RenewMode, [token], new LeaseDocument(lease), bound.Token);
            }
        }
        catch (OperationCanceledException) when (bound.IsCancellationRequested)
        {
            // Time is up.
        }
    }

    /// <summary>A renewal failed and is what the caller hears of; where this fails too, the lease ends the mode.</summary>
    private static async Task TryExitAsync(NodeClient node, string token)
    {
        try
        {
            await ExitAsync(node, token, CancellationToken.None);
        }
        catch (CliException)
        {
            // The node cannot be reached, or refuses: nothing more can be done from here.
        }
    }

    private static Task<ModeChangedDocument> ExitAsync(NodeClient node, string token, CancellationToken cancellation) =>
        node.AskAsync(Endpoints.ExitMode, [token], "", cancellation);

    private static void Show(Terminal terminal, string what, ModeChangedDocument answer)
    {
        if (terminal.Json)
        {
            terminal.Document(answer, AdminJson.Default.ModeChangedDocument);
            return;
        }

        string devices = answer.AppliedBy.Length == 0 ? "" : $" on {string.Join(' ', answer.AppliedBy)}";
        terminal.Line($"{what}{(answer.Token is null ? "" : " " + answer.Token)} at epoch {answer.Epoch}{devices}");
        foreach (MissedDocument missed in answer.NotReached)
        {
            terminal.Line($"not reached: {missed.Gpu ?? missed.Node}: {missed.Reason}");
        }
    }

    private static Argument<string[]> Modes() =>
        new("MODE=VALUE")
        {
            Description = "One or more of " + string.Join("; ", ModeField.All.Select(mode => $"{mode.Name}: {mode.Form}")) + ".",
            Arity = ArgumentArity.OneOrMore,
        };

    private static Dictionary<string, ModeValueText> Read(string[] modes)
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

    private static TimeSpan Time(string text, string option) =>
        Quantities.TryParseTime(text, out TimeSpan time) && time > TimeSpan.Zero
            ? time
            : throw new CliException(ExitCode.Usage, $"{option}: '{text}': {Quantities.TimeForm}");

    /// <summary>The selectors of a scope as options; none is the cluster.</summary>
    private sealed class ScopeOptions
    {
        private readonly Option<string?> _node = new("--node") { Description = "Only on this node.", HelpName = "ADDR" };
        private readonly Option<string?> _gpu = new("--gpu") { Description = "Only on this device, host:port/ORDINAL.", HelpName = "ID" };
        private readonly Option<string?> _model = new("--model")
        {
            Description = "Only for this model, NAME or NAME/VERSION.",
            HelpName = "MODEL",
        };
        private readonly Option<string?> _session = new("--session") { Description = "Only for this session.", HelpName = "ID" };

        public ScopeOptions(Command command)
        {
            command.Options.Add(_node);
            command.Options.Add(_gpu);
            command.Options.Add(_model);
            command.Options.Add(_session);
        }

        public ScopeDocument Document(ParseResult parsed) =>
            new(parsed.GetValue(_node), parsed.GetValue(_gpu), parsed.GetValue(_model), parsed.GetValue(_session));

        public string Query(ParseResult parsed)
        {
            ScopeDocument scope = Document(parsed);
            string query = string.Join(
                '&',
                new[] { ("node", scope.Node), ("gpu", scope.Gpu), ("model", scope.Model), ("session", scope.Session) }
                    .Where(selector => selector.Item2 is not null)
                    .Select(selector => $"{selector.Item1}={Uri.EscapeDataString(selector.Item2!)}")
            );
            return query.Length == 0 ? "" : "?" + query;
        }
    }
}
