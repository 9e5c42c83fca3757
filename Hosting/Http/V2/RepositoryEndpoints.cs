using System.Globalization;
using System.Text.Json;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Failures;
using Troupe.Messages.Models;

namespace Troupe.Hosting.Http.V2;

/// <summary>The model repository extension: index, load, unload.</summary>
internal static class RepositoryEndpoints
{
    /// <summary>Why a version that somebody unloaded is unavailable, in Triton's word.</summary>
    public const string UnloadedReason = "unloaded";

    public static async Task IndexAsync(HttpContext context, NodeEdge edge)
    {
        bool readyOnly = false;
        using (RequestBody body = await RequestBody.ReadAsync(context, edge.Spec.MaxRequestBytes))
        {
            if (!body.Memory.IsEmpty)
            {
                using JsonDocument document = Parse(body.Memory);
                if (
                    document.RootElement.ValueKind == JsonValueKind.Object
                    && document.RootElement.TryGetProperty("ready"u8, out JsonElement ready)
                )
                {
                    readyOnly = ready.ValueKind is JsonValueKind.True or JsonValueKind.False
                        ? ready.GetBoolean()
                        : throw new BadHttpRequestException("'ready' is true or false");
                }
            }
        }

        await Answer.DocumentAsync(
            context,
            writer =>
            {
                writer.WriteStartArray();
                foreach (IndexEntry entry in Entries(edge).Where(entry => !readyOnly || entry.State == ModelState.Ready))
                {
                    entry.Write(writer);
                }

                writer.WriteEndArray();
            }
        );
    }

    public static async Task LoadAsync(HttpContext context, NodeEdge edge, string name)
    {
        using RequestBody body = await RequestBody.ReadAsync(context, edge.Spec.MaxRequestBytes);
        CheckParameters(body.Memory);
        switch (await edge.Node.LoadAsync(new LoadModel(name), node: null, context.RequestAborted))
        {
            case ModelReply.Failed failed:
                int status =
                    failed.Kind == FailureKind.Draining ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status400BadRequest;
                await Answer.ErrorAsync(context, status, Answer.Json, $"failed to load '{name}': {failed.Detail}");
                break;
            default:
                await Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Json);
                break;
        }
    }

    /// <summary>Always 200, for models nobody knows too: that is Triton's contract.</summary>
    public static async Task UnloadAsync(HttpContext context, NodeEdge edge, string name)
    {
        (await RequestBody.ReadAsync(context, edge.Spec.MaxRequestBytes)).Dispose();
        if (await edge.Node.UnloadAsync(new UnloadModel(name), node: null, context.RequestAborted) is ModelReply.Unloaded done)
        {
            edge.Ledgers.Forget(name, done.Numbers);
        }

        await Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Json);
    }

    public static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonDocument.Parse(body);
        }
        catch (JsonException broken)
        {
            throw new BadHttpRequestException($"failed to parse the request JSON buffer: {broken.Message}", broken);
        }
    }

    /// <summary>A load may carry parameters; the ones that would change what is loaded are refused rather than ignored.</summary>
    private static void CheckParameters(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
        {
            return;
        }

        using JsonDocument document = Parse(body);
        if (
            document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("parameters"u8, out JsonElement parameters)
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

    private static IndexEntry[] Entries(NodeEdge edge)
    {
        SortedDictionary<(string Name, int Number), IndexEntry> entries = [];
        foreach (ModelSnapshot model in edge.Node.View.Nodes.SelectMany(node => node.Models))
        {
            (string, int) key = (model.Model.Name, model.Model.Number);
            if (!entries.TryGetValue(key, out IndexEntry? known) || known.State != ModelState.Ready)
            {
                entries[key] = new IndexEntry(model.Model.Name, model.Model.Number, model.State, model.Reason);
            }
        }

        if (edge.Spec.Repository is { } folder && Directory.Exists(folder))
        {
            HashSet<string> known = [.. entries.Values.Select(entry => entry.Name)];
            foreach (
                string name in Directory
                    .EnumerateDirectories(folder)
                    .Select(path => Path.GetFileName(path))
                    .Where(name => !known.Contains(name))
            )
            {
                entries[(name, 0)] = new IndexEntry(name, null, null, "");
            }
        }

        return [.. entries.Values];
    }

    /// <summary>One row of the index; a model that was never loaded has only its name.</summary>
    private sealed record IndexEntry(string Name, int? Number, ModelState? State, string Reason)
    {
        public void Write(Utf8JsonWriter writer)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, Name);
            if (Number is { } number)
            {
                writer.WriteString("version"u8, number.ToString(CultureInfo.InvariantCulture));
            }

            if (State is { } state)
            {
                writer.WriteString("state"u8, StateWord(state));
            }

            if (Reason.Length > 0)
            {
                writer.WriteString("reason"u8, Reason);
            }

            writer.WriteEndObject();
        }
    }

    /// <summary>The protocol's word for a state.</summary>
    public static string StateWord(ModelState state) =>
        state switch
        {
            ModelState.Loading => "LOADING",
            ModelState.Ready => "READY",
            ModelState.Unloading => "UNLOADING",
            ModelState.Unavailable => "UNAVAILABLE",
        };
}
