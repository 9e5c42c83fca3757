using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Http.Admin;

/// <summary>Serves the checked-in OpenAPI description of <c>/v2/troupe/…</c>.</summary>
internal static class OpenApiDocument
{
    private const string Resource = "Troupe.Hosting.Http.Admin.openapi.json";

    private static readonly byte[] Bytes = Read();

    public static Task WriteAsync(HttpContext context) => Answer.BytesAsync(context, StatusCodes.Status200OK, Answer.Json, Bytes);

    private static byte[] Read()
    {
        using Stream stream = typeof(OpenApiDocument).Assembly.GetManifestResourceStream(Resource)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
