using System.CommandLine;
using System.Globalization;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe models list|load|unload</c>.</summary>
internal static class ModelsCommand
{
    public static Command Create() => new("models", "Lists, loads and unloads models.") { CreateList(), CreateLoad(), CreateUnload() };

    private static Command CreateList()
    {
        Command command = new("list", "Lists every model version on every node.");
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                ModelsDocument answer = await node.AskAsync(Endpoints.ListModels, cancellation);
                if (terminal.Json)
                {
                    terminal.Document(answer, AdminJson.Default.ModelsDocument);
                    return (int)ExitCode.Success;
                }

                terminal.Table(
                    ["Model", "#Version", "State", "Platform", "Node", "Devices", "Unversioned"],
                    answer.Models.Select(model =>
                        (IReadOnlyList<string>)
                            [
                                model.Name,
                                model.Version.ToString(CultureInfo.InvariantCulture),
                                model.Reason.Length == 0 ? model.State : $"{model.State} ({model.Reason})",
                                model.Platform,
                                model.Node,
                                string.Join(' ', model.Devices),
                                string.Create(CultureInfo.InvariantCulture, $"{model.UnversionedShare:0.##%} ({model.VersionRule})"),
                            ]
                    )
                );
                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static Command CreateLoad()
    {
        Argument<string> model = Arguments.Word("MODEL", "Name to serve it under.");
        Option<int?> version = Arguments.Version("Version number. Default: the highest in the repository.");
        Option<string?> path = new("--path")
        {
            Description =
                "An .onnx file, an artifact (.plan, .pt2, .ts, ...), a module.json or a folder with one, on the node's own disk. Default: the node's repository.",
            HelpName = "PATH",
        };
        Option<string?> target = new("--node") { Description = "Node that loads it. Default: the one that is asked.", HelpName = "ADDR" };
        Option<int[]> gpus = new("--gpu")
        {
            Description = "Ordinal of a device to load on; may be given several times. Default: every device of the node.",
            HelpName = "N",
            Arity = ArgumentArity.OneOrMore,
            CustomParser = Arguments.Numbers,
        };
        Option<bool> replace = new("--replace")
        {
            Description =
                "What is live under the name gives way once this is ready, without a failed forward. Default: other content under a live version is refused.",
        };
        Command command = new("load", "Loads a model on a node.") { model, version, path, target, gpus, replace };
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                string name = parsed.GetValue(model)!;
                LoadDocument body = new(
                    parsed.GetValue(version),
                    parsed.GetValue(path),
                    parsed.GetValue(target),
                    parsed.GetValue(gpus) is { Length: > 0 } some ? some : null,
                    parsed.GetValue(replace) ? true : null
                );
                LoadedDocument answer = await node.AskAsync(Endpoints.LoadModel, [name], body, cancellation);
                if (terminal.Json)
                {
                    terminal.Document(answer, AdminJson.Default.LoadedDocument);
                }
                else
                {
                    terminal.Line($"loaded {answer.Name} version {answer.Version} on {string.Join(' ', answer.Devices)}");
                }

                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static Command CreateUnload()
    {
        Argument<string> model = Arguments.Word("MODEL", "Name it is served under.");
        Option<int?> version = Arguments.Version("Version number. Default: all versions.");
        Option<string?> target = new("--node") { Description = "Node that unloads it. Default: the one that is asked.", HelpName = "ADDR" };
        Command command = new("unload", "Unloads a model from a node; forwards that wait for it finish first.") { model, version, target };
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                UnloadedDocument answer = await node.AskAsync(
                    Endpoints.UnloadModel,
                    [parsed.GetValue(model)!],
                    new UnloadDocument(parsed.GetValue(version), parsed.GetValue(target)),
                    cancellation
                );
                if (terminal.Json)
                {
                    terminal.Document(answer, AdminJson.Default.UnloadedDocument);
                }
                else
                {
                    terminal.Line($"unloaded {answer.Name} version {string.Join(", ", answer.Versions)}");
                }

                return (int)ExitCode.Success;
            }
        );
        return command;
    }
}
