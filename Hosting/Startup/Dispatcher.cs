using Microsoft.AspNetCore.Http.Features;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Http.V2;

namespace Troupe.Hosting.Startup;

/// <summary>The whole HTTP edge as one request delegate: path, verb, endpoint, and the last net for errors.</summary>
/// <remarks>Written by hand because clients of the V2 protocol send no or wrong content types, names with escapes that must stay, and POSTs
/// without length; model binding and endpoint routing refuse those.</remarks>
internal sealed partial class Dispatcher(NodeEdge edge, ILogger<Dispatcher> logger)
{
    public Task InvokeAsync(HttpContext context)
    {
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        V2Route route = V2Route.Match(target);
        string method = context.Request.Method;
        if (route.Endpoint == V2Endpoint.None)
        {
            return Answer.ErrorAsync(context, StatusCodes.Status404NotFound, Answer.Text, "Not Found");
        }

        if (!string.Equals(method, route.Endpoint.Method, StringComparison.Ordinal))
        {
            return Answer.ErrorAsync(context, StatusCodes.Status405MethodNotAllowed, route.Endpoint.PlainContentType, "Method Not Allowed");
        }

        Task running;
        try
        {
            running = Start(context, route);
        }
        catch (BadHttpRequestException bad)
        {
            return RefuseAsync(context, bad);
        }

        return running.IsCompletedSuccessfully ? running : GuardAsync(context, running);
    }

    private Task Start(HttpContext context, in V2Route route) =>
        route.Endpoint switch
        {
            V2Endpoint.Infer => InferEndpoint.InferAsync(context, edge, route),
            V2Endpoint.ServerMetadata => ServerEndpoints.MetadataAsync(context, edge),
            V2Endpoint.ServerLive => ServerEndpoints.LiveAsync(context),
            V2Endpoint.ServerReady => ServerEndpoints.ReadyAsync(context, edge),
            V2Endpoint.ModelMetadata => ModelEndpoints.MetadataAsync(context, edge, route),
            V2Endpoint.ModelReady => ModelEndpoints.ReadyAsync(context, edge, route),
            V2Endpoint.ModelConfig => ModelEndpoints.ConfigurationAsync(context, edge, route),
            V2Endpoint.ModelStatistics or V2Endpoint.AllStatistics => ModelEndpoints.StatisticsAsync(context, edge, route),
            V2Endpoint.RepositoryIndex => RepositoryEndpoints.IndexAsync(context, edge),
            V2Endpoint.RepositoryLoad => RepositoryEndpoints.LoadAsync(context, edge, route.Model),
            V2Endpoint.RepositoryUnload => RepositoryEndpoints.UnloadAsync(context, edge, route.Model),
            V2Endpoint.NamedRepository => Answer.ErrorAsync(
                context,
                StatusCodes.Status501NotImplemented,
                Answer.Json,
                "'repository_name' specification is not supported"
            ),
            V2Endpoint.TroupeDevices => AdminEndpoints.DevicesAsync(context, edge),
            V2Endpoint.TroupeNodes => AdminEndpoints.NodesAsync(context, edge),
            V2Endpoint.TroupeModels => AdminEndpoints.ModelsAsync(context, edge),
            V2Endpoint.TroupeLoad => AdminEndpoints.LoadAsync(context, edge, route.Model),
            V2Endpoint.TroupeUnload => AdminEndpoints.UnloadAsync(context, edge, route.Model),
            V2Endpoint.ModeList => ModeEndpoints.ListAsync(context, edge),
            V2Endpoint.ModeExplain => ModeEndpoints.ExplainAsync(context, edge),
            V2Endpoint.ModeSet => ModeEndpoints.SetAsync(context, edge),
            V2Endpoint.ModeEnter => ModeEndpoints.EnterAsync(context, edge),
            V2Endpoint.ModeRenew => ModeEndpoints.RenewAsync(context, edge, route.Model),
            V2Endpoint.ModeExit => ModeEndpoints.ExitAsync(context, edge, route.Model),
            V2Endpoint.SessionOpen => ModeEndpoints.OpenSessionAsync(context, edge),
            V2Endpoint.SessionRenew => ModeEndpoints.RenewSessionAsync(context, edge, route.Model),
            V2Endpoint.SessionClose => ModeEndpoints.CloseSessionAsync(context, edge, route.Model),
            V2Endpoint.TroupeOpenApi => OpenApiDocument.WriteAsync(context),
            V2Endpoint.None => throw new System.Diagnostics.UnreachableException(),
        };

    private async Task GuardAsync(HttpContext context, Task running)
    {
        try
        {
            await running;
        }
        catch (BadHttpRequestException bad)
        {
            await RefuseAsync(context, bad);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client went away: nobody reads an answer.
        }
#pragma warning disable CA1031 // The last net: a defect costs one request its answer, never the connection or the node.
        catch (Exception defect)
#pragma warning restore CA1031
        {
            LogDefect(context.Request.Method, context.Request.Path, defect);
            if (!context.Response.HasStarted)
            {
                await Answer.ErrorAsync(
                    context,
                    StatusCodes.Status500InternalServerError,
                    Answer.Json,
                    $"internal error: {defect.GetType().Name}: {defect.Message}"
                );
            }
        }
    }

    private static Task RefuseAsync(HttpContext context, BadHttpRequestException bad) =>
        context.Response.HasStarted ? Task.CompletedTask : Answer.ErrorAsync(context, bad.StatusCode, Answer.Json, bad.Message);

    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "{Method} {Path} failed by a defect")]
    private partial void LogDefect(string method, string path, Exception defect);
}
