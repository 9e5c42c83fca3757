using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using Troupe.Hosting.Demo;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe demo</c>: the main job on real pictures, on emulated devices; needs no GPU, no network, no arguments.</summary>
internal static class DemoCommand
{
    private const int Devices = 2;

    public static Command Create()
    {
        Option<bool> json = new("--json") { Description = "Print the result as JSON on the last line instead of a table." };
        Option<bool> faces = new("--faces") { Description = "Find the face on a photograph instead, and write a picture with its box." };
        Option<string?> output = new("--output")
        {
            Description = "Where --faces writes its picture. Default: faces.png in the current folder.",
            HelpName = "FILE",
        };
        Command command = new("demo", "Classifies 200 real pictures on two emulated devices and checks every answer.")
        {
            json,
            faces,
            output,
        };
        command.SetAction(
            (parsed, stop) =>
            {
                Terminal terminal = new(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, parsed.GetValue(json));
                return parsed.GetValue(faces)
                    ? FacesAsync(terminal, parsed.GetValue(output) ?? "faces.png", stop)
                    : ClassifyAsync(terminal, stop);
            }
        );
        return command;
    }

    private static async Task<int> ClassifyAsync(Terminal terminal, CancellationToken stop)
    {
        FashionMnist pictures = FashionMnist.Read();
        using ILoggerFactory logs = Logs.Open(LogLevel.Warning, LogFormat.Line, toStandardError: true);
        await using NodeHost host = await StartAsync(SampleFiles.FashionMnistModel, "fmnist", logs, stop);
        DemoRun run = new(host.Node, new ModelReference("fmnist"), pictures);
        DemoResult result = terminal.Json
            ? await run.RunAsync(_ => { }, stop)
            : await AnsiProgress(terminal, pictures.Images.Count, progress => run.RunAsync(progress, stop));
        if (terminal.Json)
        {
            terminal.Document(result, DemoJson.Default.DemoResult);
        }
        else
        {
            Show(terminal, result);
        }

        return (int)(result.Mismatches == 0 ? ExitCode.Success : ExitCode.Mismatch);
    }

    private static async Task<int> FacesAsync(Terminal terminal, string output, CancellationToken stop)
    {
        // Made first: a place that cannot be written to is said before the work.
        await using FileStream picture = OutputFile.Create("--output", output);
        using ILoggerFactory logs = Logs.Open(LogLevel.Warning, LogFormat.Line, toStandardError: true);
        await using NodeHost host = await StartAsync(SampleFiles.FaceModel, "blazeface", logs, stop);
        FacesResult result = await FaceDemo.RunAsync(host.Node, new ModelReference("blazeface"), picture, stop);
        if (terminal.Json)
        {
            terminal.Document(result, DemoJson.Default.FacesResult);
        }
        else
        {
            terminal.Table(
                ["Face", "#Score", "#Left", "#Top", "#Width", "#Height"],
                result.Faces.Select(
                    (face, index) =>
                        (IReadOnlyList<string>)
                            [
                                (index + 1).ToString(CultureInfo.InvariantCulture),
                                face.Score.ToString("0.000", CultureInfo.InvariantCulture),
                                .. new[] { face.Left, face.Top, face.Width, face.Height }.Select(value =>
                                    value.ToString("0", CultureInfo.InvariantCulture)
                                ),
                            ]
                )
            );
            terminal.Line($"Written to {result.Picture}");
        }

        return (int)(result.Faces.Length > 0 ? ExitCode.Success : ExitCode.Mismatch);
    }

    private static async Task<NodeHost> StartAsync(string model, string name, ILoggerFactory logs, CancellationToken stop)
    {
        ServeSpec spec = new()
        {
            Cluster = null,
            Devices = new DeviceChoice(DeviceKind.Emulated, Devices),
            LogLevel = LogLevel.Warning,
        };
        NodeHost host = await NodeHost.StartAsync(spec, logs, stop);
        if (await host.Node.LoadOwnAsync(new LoadModel(name, Path: model), stop) is ModelReply.Failed failed)
        {
            await host.DisposeAsync();
            throw new CliException(ExitCode.Failed, $"the sample model {model} cannot be loaded: {failed.Detail}");
        }

        return host;
    }

    private static Task<DemoResult> AnsiProgress(Terminal terminal, int total, Func<Action<int>, Task<DemoResult>> work) =>
        terminal
            .Progress.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async context =>
            {
                ProgressTask task = context.AddTask($"{total} pictures", maxValue: total);
                return await work(done => task.Value = done);
            });

    private static void Show(Terminal terminal, DemoResult result)
    {
        string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
        terminal.Table(
            ["Fashion-MNIST through the router", "#"],
            [
                ["correct of total", $"{result.Correct} of {result.Total}"],
                ["different from a direct ONNX Runtime call", Number(result.Mismatches, "0")],
                .. result.Devices.Select(device =>
                    (IReadOnlyList<string>)[$"forwards on device {device.Id}", Number(device.Forwards, "0")]
                ),
                ["forwards per second", Number(result.ForwardsPerSecond, "0")],
                ["p50, 8 in flight", $"{Number(result.P50Microseconds, "0")} µs"],
                ["p99, 8 in flight", $"{Number(result.P99Microseconds, "0")} µs"],
            ]
        );
    }
}
