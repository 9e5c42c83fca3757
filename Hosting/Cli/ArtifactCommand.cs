using System.CommandLine;
using System.Text.Json.Serialization;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Failures;
using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Engines.Emulated;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe artifact inspect</c>: what a file of <c>torch_tensorrt</c> holds, read as data; <c>emulate</c>: a plan for machines
/// without TensorRT.</summary>
internal static class ArtifactCommand
{
    public static Command Create() =>
        new("artifact", "Looks into serialized engines and programs, and makes emulated ones.") { CreateInspect(), CreateEmulate() };

    private static Command CreateInspect()
    {
        Argument<string> file = new("FILE") { Description = "A .ts, .pt2, TR01 or TR02 container, engine record or raw plan." };
        Option<bool> json = new("--json") { Description = "Print JSON on the last line instead of a table." };
        Command command = new("inspect", "Prints what is inside; nothing of it is run.") { file, json };
        command.SetAction(parsed =>
        {
            Terminal terminal = new(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, parsed.GetValue(json));
            ArtifactLine[] lines =
            [
                .. ArtifactDescription.Of(Read(parsed.GetValue(file)!)).Select(line => new ArtifactLine(line.Key, line.Value)),
            ];
            if (terminal.Json)
            {
                terminal.Document(lines, ArtifactLineJson.Default.ArtifactLineArray);
            }
            else
            {
                terminal.Table(["Name", "Value"], lines.Select(line => (IReadOnlyList<string>)[line.Name, line.Value]));
            }

            return (int)ExitCode.Success;
        });
        return command;
    }

    private static Command CreateEmulate()
    {
        Argument<string> manifest = new("MANIFEST")
        {
            Description =
                "JSON of an emulated engine: {\"onnx\": \"net.onnx\", \"profiles\": ..., \"streamableBytes\": ...}; the model stands beside it.",
        };
        Argument<string> plan = new("PLAN") { Description = "The file to write, e.g. NAME/1/model.plan." };
        Command command = new(
            "emulate",
            "Packs an ONNX model and its manifest into one plan, which emulated devices load where a GPU would load TensorRT's."
        )
        {
            manifest,
            plan,
        };
        command.SetAction(parsed =>
        {
            string source = parsed.GetValue(manifest)!,
                target = parsed.GetValue(plan)!;
            try
            {
                byte[] bytes = EmulatedPlan.Pack(source);
                using (FileStream plan = OutputFile.Create("PLAN", target))
                {
                    plan.Write(bytes);
                }

                parsed.InvocationConfiguration.Output.WriteLine($"{target}: {bytes.Length} bytes");
            }
            catch (ModuleLoadException refused)
            {
                throw new CliException(
                    refused.Kind == FailureKind.NotFound ? ExitCode.PathNotFound : FailureMap.Of(refused.Kind).Exit,
                    refused.Message,
                    refused
                );
            }
            catch (Exception unread) when (unread is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw new CliException(ExitCode.PathNotFound, $"'{source}' cannot be read: {unread.Message}", unread);
            }

            return (int)ExitCode.Success;
        });
        return command;
    }

    private static ArtifactSpec Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new CliException(ExitCode.PathNotFound, $"there is no file '{path}'");
        }

        try
        {
            return ArtifactReader.Open(path);
        }
        catch (ArtifactException refused)
        {
            ExitCode code = refused.Fault == ArtifactFault.Unreadable ? ExitCode.PathNotFound : ExitCode.Refused;
            throw new CliException(code, refused.Message, refused);
        }
    }
}

/// <summary>One line of an artifact's description; names may repeat.</summary>
internal sealed record ArtifactLine(string Name, string Value);

/// <summary>Writes descriptions; generated, so that no reflection is needed.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonDialect.Naming,
    DefaultIgnoreCondition = JsonDialect.Nulls,
    UnmappedMemberHandling = JsonDialect.Unknown
)]
[JsonSerializable(typeof(ArtifactLine[]))]
internal sealed partial class ArtifactLineJson : JsonSerializerContext;
