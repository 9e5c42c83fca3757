using System.CommandLine;
using System.Text.Json;
using Troupe.Hosting.Bench;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.V2;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe infer</c>: one forward against a running node.</summary>
internal static class InferCommand
{
    private const int MostShown = 10;

    public static Command Create()
    {
        Argument<string> model = new("MODEL") { Description = "Name of the model." };
        Option<int?> version = new("--model-version") { Description = "Version number. Default: the highest loaded.", HelpName = "N" };
        Option<string[]> inputs = new("--input")
        {
            Description =
                "A tensor from a file: .json (numbers, nested or flat), .png or .jpg (a picture in 0..1), anything else as raw bytes.",
            HelpName = "NAME=FILE",
            Required = true,
        };
        Command command = new("infer", "Runs one forward and prints its outputs.") { model, version, inputs };
        ClientOptions client = new(command);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                string path =
                    $"/v2/models/{parsed.GetValue(model)}" + (parsed.GetValue(version) is { } number ? $"/versions/{number}" : "");
                string answer = await InferAsync(node, path, parsed.GetValue(inputs)!, cancellation);
                if (terminal.Json)
                {
                    terminal.Line(answer);
                }
                else
                {
                    Show(terminal, answer);
                }

                return (int)ExitCode.Success;
            }
        );
        return command;
    }

    private static async Task<string> InferAsync(NodeClient node, string path, string[] inputs, CancellationToken cancellation)
    {
        using JsonDocument metadata = JsonDocument.Parse(await ReadAsync(node, new HttpRequestMessage(HttpMethod.Get, path), cancellation));
        byte[] body = InferRequestBytes.Body(
            [.. inputs.Select(input => ReadInput(metadata.RootElement, input))],
            binaryOutput: false,
            out int headerLength
        );
        using HttpRequestMessage request = new(HttpMethod.Post, path + "/infer") { Content = new ByteArrayContent(body) };
        request.Content.Headers.Add(InferEndpoint.HeaderLength, headerLength.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return await ReadAsync(node, request, cancellation);
    }

    /// <summary>The tensor of one <c>--input NAME=FILE</c>, for a model of which the metadata is known.</summary>
    internal static Tensor ReadInput(JsonElement metadata, string input)
    {
        int equals = input.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? InputFile.Read(Spec(metadata, input[..equals]), input[(equals + 1)..])
            : throw new CliException(ExitCode.Usage, $"--input: '{input}': write NAME=FILE");
    }

    private static TensorSpec Spec(JsonElement metadata, string name)
    {
        JsonElement[] inputs = [.. metadata.GetProperty("inputs").EnumerateArray()];
        foreach (JsonElement input in inputs)
        {
            if (
                input.GetProperty("name").GetString() == name
                && ElementTypes.TryParse(input.GetProperty("datatype").GetString()!, out ElementType type)
            )
            {
                return new TensorSpec(
                    name,
                    type,
                    new TensorShape([.. input.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt64())])
                );
            }
        }

        throw new CliException(
            ExitCode.Usage,
            $"--input: the model has no input '{name}'; it has {string.Join(", ", inputs.Select(input => input.GetProperty("name").GetString()))}"
        );
    }

    private static async Task<string> ReadAsync(NodeClient node, HttpRequestMessage request, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await node.SendAsync(request, cancellation);
        return await response.Content.ReadAsStringAsync(cancellation);
    }

    private static void Show(Terminal terminal, string answer)
    {
        using JsonDocument document = JsonDocument.Parse(answer);
        terminal.Table(
            ["Output", "Type", "Shape", "Values"],
            document
                .RootElement.GetProperty("outputs")
                .EnumerateArray()
                .Select(output =>
                {
                    JsonElement[] data = [.. output.GetProperty("data").EnumerateArray()];
                    string values =
                        string.Join(' ', data.Take(MostShown).Select(Brief)) + (data.Length > MostShown ? $" … ({data.Length})" : "");
                    return (IReadOnlyList<string>)
                        [
                            output.GetProperty("name").GetString()!,
                            output.GetProperty("datatype").GetString()!,
                            output.GetProperty("shape").GetRawText(),
                            values,
                        ];
                })
        );
    }

    /// <summary>Numbers with six digits; <c>--json</c> has them all.</summary>
    private static string Brief(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number
            ? value.GetDouble().ToString("G6", System.Globalization.CultureInfo.InvariantCulture)
            : value.ToString();
}
