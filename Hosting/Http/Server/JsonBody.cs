using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Troupe.Hosting.Edge;

namespace Troupe.Hosting.Http.Server;

/// <summary>Reads the JSON bodies of every endpoint but inference, and says of one that does not fit where and why, in words of the
/// protocol.</summary>
/// <remarks>A repeated member is refused: whoever wrote it twice meant one of both, and nobody can tell which.</remarks>
internal static class JsonBody
{
    private static readonly JsonDocumentOptions Once = new() { AllowDuplicateProperties = false };

    /// <summary>The body as a document; <paramref name="standard"/> where there is none.</summary>
    /// <exception cref="BadHttpRequestException">It is no JSON, or not this document.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, RequestMemory memory, JsonTypeInfo<T> type, T standard)
    {
        using RequestBody body = await RequestBody.ReadAsync(context, memory, RequestBody.Document);
        using JsonDocument? document = Parse(body.Memory);
        if (document is null)
        {
            return standard;
        }

        try
        {
            return document.Deserialize(type) ?? standard;
        }
        catch (JsonException misfit)
        {
            throw new BadHttpRequestException($"the body does not fit: {JsonMisfit.Of(type, misfit.Path)}", misfit);
        }
    }

    /// <summary>The body as JSON; null where there is none.</summary>
    /// <exception cref="BadHttpRequestException">It is no JSON, or holds text that is none.</exception>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
        {
            return null;
        }

        try
        {
            return JsonDocument.Parse(JsonDialect.WithoutMark(body), Once);
        }
        catch (JsonException broken)
        {
            throw new BadHttpRequestException($"failed to parse the request JSON buffer: {JsonDialect.Trouble(broken)}", broken);
        }
        catch (InvalidOperationException surrogate)
        {
            throw new BadHttpRequestException(
                "failed to parse the request JSON buffer: the surrogate pair in string is invalid",
                surrogate
            );
        }
    }
}
