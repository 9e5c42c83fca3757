using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.V2;
using Troupe.Hosting.Startup;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Cli;

/// <summary><c>troupe infer</c>: one forward against a running node.</summary>
internal static class InferCommand
{
    private const int MostShown = 10;

    public static Command Create()
    {
        Argument<string> model = Arguments.Word("MODEL", "Name of the model.");
        Option<int?> version = Arguments.Version("Version number. Default: the highest loaded.");
        Option<string[]> inputs = new("--input")
        {
            Description =
                "A tensor from a file: .json (numbers, nested or flat), .png or .jpg (a picture in 0..1), anything else as raw bytes.",
            HelpName = "NAME=FILE",
        };
        Option<string?> request = new("--request")
        {
            Description = "Instead of --input: a whole V2 request from a file, JSON and, where it says so, binary tensors after it.",
            HelpName = "FILE",
        };
        Command command = new("infer", "Runs one forward and prints its outputs.") { model, version, inputs, request };
        ClientOptions client = new(command);
        command.Validators.Add(parsed =>
        {
            if (parsed.GetResult(inputs) is null == parsed.GetResult(request) is null)
            {
                parsed.AddError("write --input NAME=FILE for each input, or --request FILE");
            }
        });
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using NodeClient node = client.Client(parsed);
                Terminal terminal = client.Terminal(parsed);
                string[] named = parsed.GetValue(version) is { } number
                    ? [parsed.GetValue(model)!, number.ToString(CultureInfo.InvariantCulture)]
                    : [parsed.GetValue(model)!];
                InferFile body = parsed.GetValue(request) is { } file
                    ? InferFile.Read(file)
                    : InferFile.Of(await ReadInputsAsync(node, named, parsed.GetValue(inputs)!, cancellation));
                string answer = await InferAsync(node, named, body, cancellation);
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

    private static async Task<Tensor[]> ReadInputsAsync(NodeClient node, string[] named, string[] inputs, CancellationToken cancellation)
    {
        TensorSpec[] specs = await ModelInputs.AskAsync(node, named, cancellation);
        return [.. inputs.Select(input => ModelInputs.Read(specs, input))];
    }

    /// <summary>The JSON of the answer, without the binary outputs that a request may ask for.</summary>
    private static async Task<string> InferAsync(NodeClient node, string[] named, InferFile body, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, Endpoints.Infer.Path(named)) { Content = new ByteArrayContent(body.Bytes) };
        if (body.HeaderLength < body.Bytes.Length)
        {
            request.Content.Headers.Add(HeaderLength.Name, body.HeaderLength.ToString(CultureInfo.InvariantCulture));
        }

        using HttpResponseMessage response = await node.SendAsync(request, cancellation);
        byte[] answer = await response.Content.ReadAsByteArrayAsync(cancellation);
        return node.Read(response, () => Checked(Encoding.UTF8.GetString(answer, 0, InferFile.JsonLength(answer))));
    }

    /// <summary>The same answer, once it is sure that outputs are in it.</summary>
    private static string Checked(string answer)
    {
        using JsonDocument document = JsonDocument.Parse(answer);
        _ = Rows(document).Count();
        return answer;
    }

    private static void Show(Terminal terminal, string answer)
    {
        using JsonDocument document = JsonDocument.Parse(answer);
        terminal.Table(["Output", "Type", "Shape", "Values"], Rows(document));
    }

    private static IEnumerable<IReadOnlyList<string>> Rows(JsonDocument answer) =>
        answer
            .RootElement.GetProperty("outputs")
            .EnumerateArray()
            .Select(output =>
                (IReadOnlyList<string>)
                    [
                        output.GetProperty("name").GetString()!,
                        output.GetProperty("datatype").GetString()!,
                        output.GetProperty("shape").GetRawText(),
                        Values(output),
                    ]
            );

    private static string Values(JsonElement output)
    {
        if (!output.TryGetProperty("data", out JsonElement values))
        {
            return "binary";
        }

        JsonElement[] data = [.. values.EnumerateArray()];
        return string.Join(' ', data.Take(MostShown).Select(Brief)) + (data.Length > MostShown ? $" … ({data.Length})" : "");
    }

    /// <summary>Numbers with six digits; <c>--json</c> has them all.</summary>
    private static string Brief(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number ? value.GetDouble().ToString("G6", CultureInfo.InvariantCulture) : value.ToString();
}
