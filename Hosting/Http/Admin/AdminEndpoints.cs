using Troupe.Actors.Membership;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Http.V2;
using Troupe.Hosting.Options;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Http.Admin;

/// <summary>Troupe's own administration under <c>/v2/troupe/…</c>: devices, nodes, models on any node.</summary>
internal static class AdminEndpoints
{
    public static Task DevicesAsync(HttpContext context, NodeEdge edge, EdgeRoute _)
    {
        ClusterView view = edge.Node.View;
        DeviceDocument[] devices =
        [
            .. view.Nodes.SelectMany(node =>
                node.Gpus.Select(gpu => new DeviceDocument(
                    gpu.Gpu.ToString(),
                    node.Node.ToString(),
                    gpu.Gpu.Ordinal,
                    gpu.Name,
                    view.Unreachable.Contains(node.Node) ? "unreachable" : Word(gpu.Health),
                    gpu.Reason,
                    gpu.Queued,
                    gpu.QueueLimit,
                    gpu.InFlight,
                    gpu.MemoryUsedBytes,
                    gpu.MemoryTotalBytes,
                    [.. node.Models.Where(model => model.Gpus.Contains(gpu.Gpu)).Select(model => model.Model.ToString())]
                ))
            ),
        ];
        return Answer.DocumentAsync(context, new DevicesDocument(devices), AdminJson.Default.DevicesDocument);
    }

    public static Task NodesAsync(HttpContext context, NodeEdge edge, EdgeRoute _)
    {
        ClusterView view = edge.Node.View;
        IEnumerable<NodeDocument> known = view.Nodes.Select(node => new NodeDocument(
            node.Node.ToString(),
            node.Incarnation.ToString(),
            node.Node == edge.Node.Id,
            !view.Unreachable.Contains(node.Node),
            node.Draining,
            node.Version,
            node.Gpus.Length,
            [.. node.Models.Where(model => model.State == ModelState.Ready).Select(model => model.Model.ToString())]
        ));
        IEnumerable<NodeDocument> silent = view
            .Unreachable.Where(id => view.Nodes.All(node => node.Node != id))
            .Select(id => new NodeDocument(id.ToString(), "", Self: false, Reachable: false, Draining: false, "", 0, []));
        return Answer.DocumentAsync(context, new NodesDocument([.. known, .. silent]), AdminJson.Default.NodesDocument);
    }

    public static Task ModelsAsync(HttpContext context, NodeEdge edge, EdgeRoute _)
    {
        ModelCatalogue catalogue = edge.Catalogue;
        return Answer.DocumentAsync(
            context,
            new ModelsDocument([
                .. catalogue
                    .View.Nodes.SelectMany(node => node.Models.Select(model => Model(edge, catalogue, node.Node, model)))
                    .OrderBy(model => model.Name, StringComparer.Ordinal)
                    .ThenBy(model => model.Version),
            ]),
            AdminJson.Default.ModelsDocument
        );
    }

    public static async Task LoadAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        LoadDocument wanted = await JsonBody.ReadAsync(context, edge.Memory, AdminJson.Default.LoadDocument, new LoadDocument());
        NodeId? node = Node(edge, wanted.Node);
        if (IsRefused(edge, node))
        {
            await RepositoryEndpoints.NotExplicitAsync(context);
            return;
        }

        ContentHash[]? replaces = wanted.Replace == true ? edge.Node.View.ContentsOf(route.Name) : null;
        LoadModel load = new(route.Name, wanted.Version, wanted.Path, wanted.Gpus, replaces);
        await AnswerAsync(context, edge, await edge.Node.LoadAsync(load, node, context.RequestAborted));
    }

    public static async Task UnloadAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        UnloadDocument wanted = await JsonBody.ReadAsync(context, edge.Memory, AdminJson.Default.UnloadDocument, new UnloadDocument());
        NodeId? node = Node(edge, wanted.Node);
        if (IsRefused(edge, node))
        {
            await RepositoryEndpoints.NotExplicitAsync(context);
            return;
        }

        UnloadModel unload = new(route.Name, wanted.Version);
        await AnswerAsync(context, edge, await edge.Node.UnloadAsync(unload, node, context.RequestAborted));
    }

    /// <summary>This node loads and unloads for nobody; of another one that node itself says so.</summary>
    private static bool IsRefused(NodeEdge edge, NodeId? node) =>
        edge.Spec.ModelControl != ModelControl.Explicit && (node is null || node == edge.Node.Id);

    private static NodeId? Node(NodeEdge edge, string? written)
    {
        if (written is null)
        {
            return null;
        }

        NodeId node = new(written);
        return edge.Node.View.Nodes.Any(known => known.Node == node)
            ? node
            : throw new BadHttpRequestException(
                $"no node '{written}' is known here; 'troupe nodes' lists them",
                FailureMap.Of(FailureKind.NotFound).Http
            );
    }

    private static Task AnswerAsync(HttpContext context, NodeEdge edge, ModelReply reply)
    {
        switch (reply)
        {
            case ModelReply.Loaded loaded:
                LoadedDocument done = new(
                    loaded.Model.Name,
                    loaded.Model.Number,
                    loaded.Model.Hash.ToString(),
                    [.. loaded.Gpus.Select(gpu => gpu.ToString())]
                );
                return Answer.DocumentAsync(context, done, AdminJson.Default.LoadedDocument);
            case ModelReply.Unloaded unloaded:
                edge.Ledgers.Forget(unloaded.Name, unloaded.Numbers);
                return Answer.DocumentAsync(
                    context,
                    new UnloadedDocument(unloaded.Name, unloaded.Numbers),
                    AdminJson.Default.UnloadedDocument
                );
            case ModelReply.Failed failed:
                return Answer.FailureAsync(context, failed.Kind, Answer.Json, $"{failed.Name}: {failed.Detail}");
            default:
                throw new System.Diagnostics.UnreachableException(reply.GetType().Name);
        }
    }

    private static ModelDocument Model(NodeEdge edge, ModelCatalogue catalogue, NodeId node, ModelSnapshot model)
    {
        string name = model.Model.Name;
        VersionRule rule = edge.Node.VersionRuleOf(name);
        return new ModelDocument(
            name,
            model.Model.Number,
            RepositoryIndex.StateWord(model.State),
            model.Reason,
            model.Platform,
            node.ToString(),
            [.. model.Gpus.Select(gpu => gpu.ToString())],
            model.Model.Hash.ToString(),
            rule.ToString(),
            rule.ShareOf(model.Model.Number, catalogue.Newest(name), number => catalogue.TryFind(name, number, out ServedModel? _))
        );
    }

    private static string Word(GpuHealth health) =>
        health switch
        {
            GpuHealth.Unknown => "unknown",
            GpuHealth.Starting => "starting",
            GpuHealth.Ready => "ready",
            GpuHealth.Rebuilding => "rebuilding",
            GpuHealth.Quarantined => "quarantined",
            GpuHealth.Draining => "draining",
        };
}
