using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Hosting.Http.V2;

/// <summary>Server metadata and health.</summary>
internal static class ServerEndpoints
{
    /// <summary>Only what works is listed: clients switch features on by these names.</summary>
    private static readonly string[] Extensions =
    [
        "model_repository",
        "model_configuration",
        "binary_tensor_data",
        "parameters",
        "statistics",
    ];

    public static Task MetadataAsync(HttpContext context, NodeEdge edge) =>
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

    public static Task LiveAsync(HttpContext context) => Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Text);

    public static Task ReadyAsync(HttpContext context, NodeEdge edge) =>
        Answer.EmptyAsync(context, IsReady(edge) ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest, Answer.Text);

    /// <summary>Ready: done with its first loads, not draining, no model of this node failed to load, and where the node has devices, one
    /// of them works.</summary>
    private static bool IsReady(NodeEdge edge)
    {
        NodeSnapshot self = edge.Node.View.Nodes[0];
        return !edge.IsStarting
            && !self.Draining
            && !self.Models.Any(model =>
                model.State == ModelState.Unavailable && model.Reason.Length > 0 && model.Reason != RepositoryEndpoints.UnloadedReason
            )
            && (self.Gpus.Length == 0 || self.Gpus.Any(gpu => gpu.Health is GpuHealth.Ready or GpuHealth.Rebuilding));
    }
}
