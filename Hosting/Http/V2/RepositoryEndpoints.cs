using System.Globalization;
using System.Text.Json;
using Troupe.Actors.Models;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
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
        GivenModel? given;
        using (RequestBody body = await RequestBody.ReadAsync(context, edge.Memory, edge.Spec.MaxRequestBytes))
        {
            given = LoadRequest.Read(body.Memory);
        }

        if (edge.Spec.ModelControl != ModelControl.Explicit)
        {
            await NotExplicitAsync(context);
            return;
        }

        LoadModel load = new(name, Replaces: edge.Node.View.ContentsOf(name));
        switch (
            given is null
                ? await edge.Node.LoadAsync(load, node: null, context.RequestAborted)
                : await edge.Node.LoadGivenAsync(load, given, context.RequestAborted)
        )
        {
            case ModelReply.Failed failed:
                await Answer.ErrorAsync(context, FailureMap.Of(failed.Kind).Load, Answer.Json, $"failed to load '{name}': {failed.Detail}");
                break;
            default:
                await Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Json);
                break;
        }
    }

    /// <summary>Always 200, for models nobody knows and whatever the body says: that is Triton's contract.</summary>
    public static async Task UnloadAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        string name = route.Name;
        (await RequestBody.ReadAsync(context, edge.Memory, RequestBody.Document)).Dispose();
        if (edge.Spec.ModelControl != ModelControl.Explicit)
        {
            await NotExplicitAsync(context);
            return;
        }

        if (await edge.Node.UnloadAsync(new UnloadModel(name), node: null, context.RequestAborted) is ModelReply.Unloaded done)
        {
            edge.Ledgers.Forget(name, done.Numbers);
        }

        await Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Json);
    }

    /// <summary>Triton's words, whether the repository is polled or nobody changes anything.</summary>
    public static Task NotExplicitAsync(HttpContext context) =>
        Answer.ErrorAsync(
            context,
            StatusCodes.Status503ServiceUnavailable,
            Answer.Json,
            "explicit model load / unload is not allowed if polling is enabled"
        );

    /// <summary>A repository by name: Triton's answer is "not supported".</summary>
    public static Task NamedAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        Answer.FailureAsync(context, FailureKind.NotSupported, Answer.Json, "'repository_name' specification is not supported");

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
