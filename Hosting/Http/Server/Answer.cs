using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Troupe.Hosting.Http.Server;

/// <summary>Writes the answers that carry no tensors: each with its length, in one write.</summary>
internal static class Answer
{
    public const string Json = "application/json";
    public const string Text = "text/plain";

    private static readonly JsonWriterOptions Relaxed = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

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
            Document(writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("error"u8, error);
                writer.WriteEndObject();
            })
        );

    public static Task DocumentAsync(HttpContext context, Action<Utf8JsonWriter> write) =>
        BytesAsync(context, StatusCodes.Status200OK, Json, Document(write));

    /// <summary>JSON text as bytes.</summary>
    public static ReadOnlyMemory<byte> Document(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new(512);
        using (Utf8JsonWriter writer = new(buffer, Relaxed))
        {
            write(writer);
        }

        return buffer.WrittenMemory;
    }
}
