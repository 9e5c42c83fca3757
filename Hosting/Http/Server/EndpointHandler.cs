using Troupe.Hosting.Edge;

namespace Troupe.Hosting.Http.Server;

/// <summary>Answers one request at an endpoint.</summary>
internal delegate Task EndpointHandler(HttpContext context, NodeEdge edge, EdgeRoute route);
