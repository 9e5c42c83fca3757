using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Http.Admin;

/// <summary>Serves the OpenAPI description, a file that a test makes from the endpoint table.</summary>
internal static class OpenApiDocument
{
    private const string Resource = "Troupe.Hosting.Http.Admin.openapi.json";

    private static readonly byte[] Bytes = Read();

    public static Task DescribeAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        Answer.BytesAsync(context, StatusCodes.Status200OK, Answer.Json, Bytes);

    private static byte[] Read()
    {
        using Stream stream = typeof(OpenApiDocument).Assembly.GetManifestResourceStream(Resource)!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
