using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Troupe.Hosting.Bench;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe bench</c>: the overhead ladder in this process, or a bounded load on a running node.</summary>
internal static class BenchCommand
{
    private const int MostClients = 1024;

    public static Command Create()
    {
        Argument<string?> model = new("MODEL")
        {
            Description = "Model of a running node to load. Without it: the overhead ladder on the sample classifier, in this process.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string[]> inputs = new("--input") { Description = "A tensor of the request, as for infer.", HelpName = "NAME=FILE" };
        Option<int> clients = new("--clients")
        {
            Description = $"Connections, 1 to {MostClients}. Default 1.",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        };
        Option<string> duration = new("--duration")
        {
            Description = "How long each rung takes, at most 10m. Default 3s.",
            HelpName = "TIME",
            DefaultValueFactory = _ => "3s",
        };
        Command command = new("bench", "Measures what each storey costs, or loads a running node; ends by itself.")
        {
            model,
            inputs,
            clients,
            duration,
        };
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                Terminal terminal = client.Terminal(parsed);
                TimeSpan time =
                    Quantities.TryParseTime(parsed.GetValue(duration)!, out TimeSpan written)
                    && written > TimeSpan.Zero
                    && written <= TimeSpan.FromMinutes(10)
                        ? written
                        : throw new CliException(
                            ExitCode.Usage,
                            $"--duration: '{parsed.GetValue(duration)}': {Quantities.TimeForm}, at most 10m"
                        );
                BenchResult result = parsed.GetValue(model) is { } name
                    ? await LoadAsync(client, parsed, name, parsed.GetValue(inputs) ?? [], parsed.GetValue(clients), time, cancellation)
                    : await new OverheadRun(time).RunAsync(rung => terminal.Remark($"measuring {rung} …"), cancellation);
                Show(terminal, result);
                return (int)(result.Rungs.All(rung => rung.Failed == 0) ? ExitCode.Success : ExitCode.Refused);
            }
        );
        return command;
    }

    private static async Task<BenchResult> LoadAsync(
        ClientOptions client,
        ParseResult parsed,
        string model,
        string[] inputs,
        int clients,
        TimeSpan duration,
        CancellationToken stop
    )
    {
        if (clients is < 1 or > MostClients)
        {
            throw new CliException(ExitCode.Usage, $"--clients: {clients}: write a number from 1 to {MostClients}");
        }

        using NodeClient node = client.Client(parsed);
        using HttpRequestMessage request = new(HttpMethod.Get, Endpoints.ModelMetadata.Path(model));
        using HttpResponseMessage answer = await node.SendAsync(request, stop);
        using JsonDocument metadata = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(stop));
        Tensor[] tensors = [.. inputs.Select(input => InferCommand.ReadInput(metadata.RootElement, input))];
        Uri url = new(node.Url);
        LoadSpec load = new(new DnsEndPoint(url.Host, url.Port), InferRequestBytes.Of(model, tensors), clients, duration);
        try
        {
            return new BenchResult(model, [await LoadGenerator.RunAsync("http", load, stop)]);
        }
        catch (Exception lost) when (lost is IOException or SocketException)
        {
            throw new CliException(ExitCode.Unreachable, $"the node at {node.Url} went away: {lost.Message}", lost);
        }
    }

    private static void Show(Terminal terminal, BenchResult result)
    {
        if (terminal.Json)
        {
            terminal.Document(result, BenchJson.Default.BenchResult);
            return;
        }

        string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
        terminal.Table(
            [$"{result.Model}", "#Clients", "#Calls", "#Failed", "#Calls/s", "#p50 µs", "#p99 µs"],
            result.Rungs.Select(rung =>
                (IReadOnlyList<string>)
                    [
                        rung.Rung,
                        Number(rung.Clients, "0"),
                        Number(rung.Calls, "0"),
                        Number(rung.Failed, "0"),
                        Number(rung.CallsPerSecond, "0"),
                        Number(rung.P50Microseconds, "0.0"),
                        Number(rung.P99Microseconds, "0.0"),
                    ]
            )
        );
    }
}
