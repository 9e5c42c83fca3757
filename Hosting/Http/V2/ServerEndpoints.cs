using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Http.V2;

/// <summary>Server metadata and health.</summary>
internal static class ServerEndpoints
{
    /// <summary>Only what works is listed: clients switch features on by these names.</summary>
    private static readonly string[] Extensions =
    [
        "classification",
        "model_repository",
        "schedule_policy",
        "model_configuration",
        "binary_tensor_data",
        "parameters",
        "statistics",
    ];

    public static Task MetadataAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        Answer.DocumentAsync(
            context,
            writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("name"u8, "troupe");
                writer.WriteString("version"u8, edge.Spec.Version);
                writer.WriteStartArray("extensions"u8);
                foreach (string extension in Extensions)
                {
                    writer.WriteStringValue(extension);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }
        );

    public static Task LiveAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Text);

    public static Task ReadyAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        Answer.EmptyAsync(context, edge.IsReady ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest, Answer.Text);
}
