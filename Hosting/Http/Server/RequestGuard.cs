using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Troupe.Messages.Failures;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Http.Server;

/// <summary>The outermost stage of every listener: whatever goes wrong below costs one request its answer, never the connection or the
/// node.</summary>
internal sealed partial class RequestGuard(RequestDelegate next, UnreadBodies unread, ILogger<RequestGuard> logger)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Headers.TransferEncoding.Count == 0 && context.Request.ContentLength is not > UnreadBodies.Small)
        {
            return AnswerAsync(context);
        }

        // The connection goes on only after a body that was read to its end: where a wrong chunk stopped the reading no next request can be
        // found, and of a large one nobody looks for the rest for long.
        context.Response.Headers.Connection = "close";
        return AnswerAndReadOnAsync(context);
    }

    private async Task AnswerAndReadOnAsync(HttpContext context)
    {
        await AnswerAsync(context);
        if (!context.RequestAborted.IsCancellationRequested)
        {
            await unread.ReadOnAsync(context);
        }
    }

    private Task AnswerAsync(HttpContext context)
    {
        Task running;
        try
        {
            running = next(context);
        }
        catch (BadHttpRequestException bad)
        {
            return RefuseAsync(context, bad);
        }
        catch (HostMemoryException full)
        {
            return PutOffAsync(context, full);
        }

        return running.IsCompletedSuccessfully ? running : AwaitAsync(context, running);
    }

    private async Task AwaitAsync(HttpContext context, Task running)
    {
        try
        {
            await running;
        }
        catch (BadHttpRequestException bad)
        {
            await RefuseAsync(context, bad);
        }
        catch (HostMemoryException full)
        {
            await PutOffAsync(context, full);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client went away: nobody reads an answer.
        }
        catch (ConnectionResetException)
        {
            // The same, in the middle of its upload: the server must look neither for the rest of it nor for a next request.
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            context.Abort();
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
                    "internal error: a defect of the node, which its log describes"
                );
            }
        }
    }

    private static Task RefuseAsync(HttpContext context, BadHttpRequestException bad) =>
        context.Response.HasStarted ? Task.CompletedTask : Answer.ErrorAsync(context, bad.StatusCode, Answer.Json, bad.Message);

    /// <summary>There is no room for the request at present, or for its answer.</summary>
    private static Task PutOffAsync(HttpContext context, HostMemoryException full) =>
        context.Response.HasStarted ? Task.CompletedTask : Answer.FailureAsync(context, FailureKind.QueueFull, Answer.Json, full.Message);

    [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "{Method} {Path} failed by a defect")]
    private partial void LogDefect(string method, string path, Exception defect);
}
