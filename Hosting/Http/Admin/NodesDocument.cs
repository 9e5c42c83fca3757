namespace Troupe.Hosting.Http.Admin;

/// <summary>Answer of <c>GET /v2/troupe/nodes</c>: this node first, then the others it knows.</summary>
internal sealed record NodesDocument(NodeDocument[] Nodes);

/// <summary>One node of the cluster.</summary>
/// <param name="Id">Address of its control plane.</param>
/// <param name="Self">True for the node that answers.</param>
/// <param name="Reachable">False while failure detection does not hear of it.</param>
internal sealed record NodeDocument(
    string Id,
    string Incarnation,
    bool Self,
    bool Reachable,
    bool Draining,
    string Version,
    int Devices,
    string[] Models
);
