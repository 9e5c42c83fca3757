using System.Globalization;
using System.Text.Json;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Failures;
using Troupe.Messages.Models;

namespace Troupe.Hosting.Http.V2;

/// <summary>The model repository extension: index, load, unload.</summary>
internal static class RepositoryEndpoints
{
    public static async Task IndexAsync(HttpContext context, NodeEdge edge, EdgeRoute _)
    {
        bool readyOnly = false;
        using (RequestBody body = await RequestBody.ReadAsync(context, edge.Memory, RequestBody.Document))
        {
            using JsonDocument? document = JsonBody.Parse(body.Memory);
            if (document?.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("ready"u8, out JsonElement ready))
            {
                readyOnly = ready.ValueKind is JsonValueKind.True or JsonValueKind.False
                    ? ready.GetBoolean()
                    : throw new BadHttpRequestException("'ready' is true or false");
            }
        }

        await Answer.DocumentAsync(
            context,
            writer =>
            {
                writer.WriteStartArray();
                foreach (IndexedModel model in RepositoryIndex.Of(edge).Where(model => !readyOnly || model.State == ModelState.Ready))
                {
                    Write(writer, model);
                }

                writer.WriteEndArray();
            }
        );
    }

    public static async Task LoadAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        string name = route.Name;
        using RequestBody body = await RequestBody.ReadAsync(context, edge.Memory, edge.Spec.MaxRequestBytes);
        CheckParameters(body.Memory);
        switch (await edge.Node.LoadAsync(new LoadModel(name), node: null, context.RequestAborted))
        {
            case ModelReply.Failed failed:
                await Answer.ErrorAsync(context, FailureMap.Of(failed.Kind).Load, Answer.Json, $"failed to load '{name}': {failed.Detail}");
                break;
            default:
                await Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Json);
                break;
        }
    }

    /// <summary>Always 200, for models nobody knows too: that is Triton's contract.</summary>
    public static async Task UnloadAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        string name = route.Name;
        (await RequestBody.ReadAsync(context, edge.Memory, RequestBody.Document)).Dispose();
        if (await edge.Node.UnloadAsync(new UnloadModel(name), node: null, context.RequestAborted) is ModelReply.Unloaded done)
        {
            edge.Ledgers.Forget(name, done.Numbers);
        }

        await Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Json);
    }

    /// <summary>A repository by name: Triton's answer is "not supported".</summary>
    public static Task NamedAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        Answer.FailureAsync(context, FailureKind.NotSupported, Answer.Json, "'repository_name' specification is not supported");

    /// <summary>A load may carry parameters; the ones that would change what is loaded are refused rather than ignored.</summary>
    private static void CheckParameters(ReadOnlyMemory<byte> body)
    {
        using JsonDocument? document = JsonBody.Parse(body);
        if (
            document?.RootElement is not { ValueKind: JsonValueKind.Object } root
            || !root.TryGetProperty("parameters"u8, out JsonElement parameters)
        )
        {
            return;
        }

        if (parameters.ValueKind != JsonValueKind.Object)
        {
            throw new BadHttpRequestException("'parameters' is an object");
        }

        foreach (JsonProperty parameter in parameters.EnumerateObject())
        {
            throw new BadHttpRequestException(
                $"load parameter '{parameter.Name}' is not supported; put the files into the repository, or use /v2/troupe/models/NAME/load with a path"
            );
        }
    }

    private static void Write(Utf8JsonWriter writer, IndexedModel model)
    {
        writer.WriteStartObject();
        writer.WriteString("name"u8, model.Name);
        if (model.Number is { } number)
        {
            writer.WriteString("version"u8, number.ToString(CultureInfo.InvariantCulture));
        }

        if (model.State is { } state)
        {
            writer.WriteString("state"u8, RepositoryIndex.StateWord(state));
        }

        if (model.Reason.Length > 0)
        {
            writer.WriteString("reason"u8, model.Reason);
        }

        writer.WriteEndObject();
    }
}
