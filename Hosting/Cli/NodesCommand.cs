using System.CommandLine;
using System.Globalization;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe nodes</c>: the members of the cluster as a node sees them.</summary>
internal static class NodesCommand
{
    public static Command Create()
    {
        Command command = new("nodes", "Lists the nodes of the cluster, the one that answers first.");
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                NodesDocument answer = await node.AskAsync(Endpoints.ListNodes, cancellation);
                if (terminal.Json)
                {
                    terminal.Document(answer, AdminJson.Default.NodesDocument);
                    return (int)ExitCode.Success;
                }

                terminal.Table(
                    ["Node", "State", "#Devices", "Version", "Models"],
                    answer.Nodes.Select(one =>
                        (IReadOnlyList<string>)
                            [
                                one.Self ? one.Id + " (this)" : one.Id,
                                !one.Reachable ? "unreachable"
                                : one.Draining ? "draining"
                                : "up",
                                one.Devices.ToString(CultureInfo.InvariantCulture),
                                one.Version,
                                Terminal.Brief(one.Models),
                            ]
                    )
                );
                return (int)ExitCode.Success;
            }
        );
        return command;
    }
}
