using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Troupe.Hosting.Bench;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Options;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe bench</c>: the overhead ladder in this process, or a bounded load on a running node.</summary>
internal static class BenchCommand
{
    private const int MostClients = 1024;

    /// <summary>Of the inputs of one request: what an array can hold, less what frames them.</summary>
    private static readonly long MostBytes = Array.MaxLength - (1L << 20);

    public static Command Create()
    {
        Argument<string?> model = Arguments.OptionalWord(
            "MODEL",
            "Model of a running node to load. Without it: the overhead ladder on the sample classifier, in this process."
        );
        Option<string[]> inputs = new("--input")
        {
            Description = "A tensor of the request, as for infer. Default: zeros, with 1 for what is free in the shape.",
            HelpName = "NAME=FILE",
        };
        Option<int> clients = new("--clients")
        {
            Description = $"Connections, 1 to {MostClients}. Default 1.",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
            CustomParser = result => Arguments.Number(result, 1, MostClients),
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
        long started = Stopwatch.GetTimestamp();
        using NodeClient node = client.Client(parsed, atMost: duration);
        Uri url = Plain(node.Url);
        TensorSpec[] specs = await ModelInputs.AskAsync(node, [model], stop);
        Tensor[] given = [.. inputs.Select(input => ModelInputs.Read(specs, input))];
        Tensor[] tensors = [.. given, .. specs.Where(spec => given.All(tensor => tensor.Name != spec.Name)).Select(ModelInputs.Blank)];
        if (tensors.Sum(tensor => (long)tensor.Data.Length) > MostBytes)
        {
            throw new CliException(ExitCode.Usage, "the inputs are larger than one request can be; give smaller ones with --input");
        }

        TimeSpan left = duration - Stopwatch.GetElapsedTime(started);
        LoadSpec load = new(
            new DnsEndPoint(url.Host, url.Port),
            InferRequestBytes.Of(model, tensors),
            clients,
            left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1)
        );
        try
        {
            return new BenchResult(model, [await LoadGenerator.RunAsync("http", load, stop)]);
        }
        catch (Exception lost) when (lost is IOException or SocketException)
        {
            throw new CliException(ExitCode.Unreachable, $"the node at {node.Url} went away: {lost.Message}", lost);
        }
    }

    /// <summary>The load goes over plain connections, so that it is the node that is measured.</summary>
    /// <exception cref="CliException">The node is reached by TLS.</exception>
    public static Uri Plain(string node)
    {
        Uri url = new(node);
        return url.Scheme == Uri.UriSchemeHttp
            ? url
            : throw new CliException(ExitCode.Usage, $"'{node}': bench speaks plain HTTP only; give the node's own http:// address");
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
        foreach (LoadResult rung in result.Rungs.Where(rung => rung.FirstError is not null))
        {
            terminal.Line($"{rung.Rung}: the first that failed: {rung.FirstError}");
        }
    }
}
