using System.Text.Json;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Startup;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Cli;

/// <summary>The inputs of a model as its node tells them, and tensors for them.</summary>
internal static class ModelInputs
{
    /// <param name="named">The model's name, and its version where one is meant.</param>
    public static async Task<TensorSpec[]> AskAsync(NodeClient node, string[] named, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, Endpoints.ModelMetadata.Path(named));
        using HttpResponseMessage response = await node.SendAsync(request, cancellation);
        string text = await response.Content.ReadAsStringAsync(cancellation);
        return node.Read(response, () => Parse(text));
    }

    /// <summary>The tensor of one <c>--input NAME=FILE</c>.</summary>
    public static Tensor Read(TensorSpec[] inputs, string input)
    {
        int equals = input.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            throw new CliException(ExitCode.Usage, $"--input: '{input}': write NAME=FILE");
        }

        TensorSpec spec =
            Array.Find(inputs, one => one.Name == input[..equals])
            ?? throw new CliException(
                ExitCode.Usage,
                $"--input: the model has no input '{input[..equals]}'; it has {string.Join(", ", inputs.Select(one => one.Name))}"
            );
        return InputFile.Read(spec, input[(equals + 1)..]);
    }

    /// <summary>A tensor of zeros, or of empty strings, with 1 for what is free in its shape.</summary>
    /// <exception cref="CliException">It would be larger than an array can be.</exception>
    public static Tensor Blank(TensorSpec spec)
    {
        TensorShape shape = new([.. spec.Shape.Span.ToArray().Select(dimension => Math.Max(dimension, 1))]);
        long bytes;
        bool isCountable =
            spec.Type == ElementType.Bytes
                ? ElementType.Int32.TryGetByteCount(shape, out bytes)
                : spec.Type.TryGetByteCount(shape, out bytes);
        return isCountable && bytes <= Array.MaxLength
            ? new Tensor(spec.Name, spec.Type, shape, new byte[bytes])
            : throw new CliException(
                ExitCode.Usage,
                $"the input '{spec.Name}' of shape {shape} is larger than can be sent; give a smaller one with --input {spec.Name}=FILE"
            );
    }

    private static TensorSpec[] Parse(string text)
    {
        using JsonDocument metadata = JsonDocument.Parse(text);
        return [.. metadata.RootElement.GetProperty("inputs").EnumerateArray().Select(Parse)];
    }

    private static TensorSpec Parse(JsonElement input) =>
        new(
            input.GetProperty("name").GetString()!,
            ElementTypes.TryParse(input.GetProperty("datatype").GetString()!, out ElementType type)
                ? type
                : throw new JsonException($"it has an input of the unknown type {input.GetProperty("datatype")}"),
            new TensorShape([.. input.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt64())])
        );
}
