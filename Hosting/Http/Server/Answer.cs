using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Troupe.Hosting.Failures;
using Troupe.Messages.Failures;

namespace Troupe.Hosting.Http.Server;

/// <summary>Writes the answers that carry no tensors: each with its length, in one write.</summary>
internal static class Answer
{
    public const string Json = "application/json";
    public const string Text = "text/plain";

    /// <summary>Seconds after which a call that may succeed later is worth another try.</summary>
    private const string RetryAfter = "1";

    public static Task BytesAsync(HttpContext context, int status, string contentType, ReadOnlyMemory<byte> body)
    {
        HttpResponse response = context.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        return body.IsEmpty || HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.BodyWriter.WriteAsync(body, context.RequestAborted).AsTask();
    }

    public static Task EmptyAsync(HttpContext context, int status, string contentType) => BytesAsync(context, status, contentType, default);

    /// <summary><c>{"error":"…"}</c></summary>
    public static Task ErrorAsync(HttpContext context, int status, string contentType, string error) =>
        BytesAsync(
            context,
            status,
            contentType,
            JsonDialect.Bytes(writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("error"u8, error);
                writer.WriteEndObject();
            })
        );

    /// <summary>A failure with the status that the map gives its kind.</summary>
    public static Task FailureAsync(HttpContext context, FailureKind kind, string contentType, string error)
    {
        FailureRow row = FailureMap.Of(kind);
        if (row.Retry == CallerAdvice.Later)
        {
            context.Response.Headers.RetryAfter = RetryAfter;
        }

        if (row.Retry == CallerAdvice.Elsewhere)
        {
            // Whoever is told to go elsewhere is not kept here by an open connection.
            context.Response.Headers.Connection = "close";
        }

        return ErrorAsync(context, row.Http, contentType, error);
    }

    /// <summary>200 with JSON that is written by hand.</summary>
    public static Task DocumentAsync(HttpContext context, Action<Utf8JsonWriter> write) =>
        BytesAsync(context, StatusCodes.Status200OK, Json, JsonDialect.Bytes(write));

    /// <summary>200 with a document.</summary>
    public static Task DocumentAsync<T>(HttpContext context, T document, JsonTypeInfo<T> type) =>
        BytesAsync(context, StatusCodes.Status200OK, Json, JsonDialect.Bytes(document, type));
}
