using Microsoft.AspNetCore.Http.Features;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Startup;

/// <summary>The whole HTTP surface: finds the row of the endpoint table for each request, and sees that each gets exactly one
/// answer.</summary>
/// <remarks>Plain code instead of a framework's routing: clients send percent-escapes that must stay, and POSTs without length; model
/// binding and endpoint routing refuse those.</remarks>
internal sealed class Dispatcher(NodeEdge edge)
{
    private readonly EndpointTable _table = new(Endpoints.All);

    public Task InvokeAsync(HttpContext context)
    {
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (_table.Find(OriginForm(target), out EdgeRoute route) is not { } path)
        {
            return Answer.ErrorAsync(context, StatusCodes.Status404NotFound, Answer.Text, "Not Found");
        }

        if (path.For(context.Request.Method) is not { } endpoint)
        {
            context.Response.Headers.Allow = path.Allow;
            return Answer.ErrorAsync(context, StatusCodes.Status405MethodNotAllowed, path.ContentType, "Method Not Allowed");
        }

        return endpoint.Handler(context, edge, route);
    }

    /// <summary>What a client writes who takes the node for a proxy, <c>http://host/path</c>, without scheme and host.</summary>
    private static ReadOnlySpan<char> OriginForm(ReadOnlySpan<char> target)
    {
        int host = target.StartsWith("/") ? -1 : target.IndexOf("://");
        if (host < 0)
        {
            return target;
        }

        int path = target[(host + 3)..].IndexOf('/');
        return path < 0 ? "" : target[(host + 3 + path)..];
    }
}
