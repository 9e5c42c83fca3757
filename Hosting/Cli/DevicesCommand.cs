using System.CommandLine;
using System.Globalization;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe devices</c>: every device of the cluster as a node sees it.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        Command command = new("devices", "Lists the devices of the cluster: health, queue, forwards in flight, memory.");
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                DevicesDocument answer = await node.AskAsync(Endpoints.ListDevices, cancellation);
                Show(terminal, answer);
                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static void Show(Terminal terminal, DevicesDocument answer)
    {
        if (terminal.Json)
        {
            terminal.Document(answer, AdminJson.Default.DevicesDocument);
            return;
        }

        terminal.Table(
            ["Device", "Name", "Health", "#Queued", "#In flight", "#Used", "#Memory", "Models"],
            answer.Devices.Select(device =>
                (IReadOnlyList<string>)
                    [
                        device.Id,
                        device.Name,
                        device.Reason.Length == 0 ? device.Health : $"{device.Health} ({device.Reason})",
                        $"{device.Queued}/{device.QueueLimit}",
                        device.InFlight.ToString(CultureInfo.InvariantCulture),
                        MebiBytes(device.MemoryUsedBytes),
                        MebiBytes(device.MemoryTotalBytes),
                        Terminal.Brief(device.Models),
                    ]
            )
        );
    }

    private static string MebiBytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB");
}
