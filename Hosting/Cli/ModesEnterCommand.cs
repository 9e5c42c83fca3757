using System.CommandLine;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe modes enter</c>: enters modes, holds them by their lease, exits.</summary>
internal static class ModesEnterCommand
{
    public static Command Create()
    {
        Argument<string[]> modes = ModesCommand.Modes();
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
                ModeChangeDocument body = new(ModesCommand.Read(parsed.GetValue(modes)!), scope.Document(parsed), parsed.GetValue(lease));

                // After Ctrl-C the answer is still waited for: without its token the mode would be left to its lease.
                using CancellationTokenSource answer = new();
                await using CancellationTokenRegistration stopping = stop.Register(() => answer.CancelAfter(TimeSpan.FromSeconds(5)));
                ModeChangedDocument entered = await node.AskAsync(Endpoints.EnterMode, [], body, answer.Token);
                ModesCommand.Show(terminal, "entered", entered);
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
                await ModesCommand.ExitAsync(node, entered.Token!, CancellationToken.None);
                terminal.Remark("exited");
                return (int)ExitCode.Success;
            }
        );
        return command;
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
            await ModesCommand.ExitAsync(node, token, CancellationToken.None);
        }
        catch (CliException)
        {
            // The node cannot be reached, or refuses: nothing more can be done from here.
        }
    }

    private static TimeSpan Time(string text, string option) =>
        Quantities.TryParseTime(text, out TimeSpan time) && time > TimeSpan.Zero
            ? time
            : throw new CliException(ExitCode.Usage, $"{option}: '{text}': {Quantities.TimeForm}");
}
