using System.Globalization;
using Microsoft.Extensions.Primitives;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>One inference over HTTP: read the body, decode, call, encode, answer.</summary>
internal static class InferEndpoint
{
    /// <summary>What an answer takes beside its outputs: names, shapes and an id.</summary>
    private const long Frame = 1 << 20;

    /// <summary>As much as is written before the connection is waited for: what it cannot send yet lies in memory of the server, and more
    /// than eight blocks of it make a send allocate lists of them.</summary>
    private const int Chunk = 6 * ConnectionMemory.BlockBytes;

    public static async Task InferAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        if (!InferenceCall.TryFind(edge, route.Name, route.Version, out ServedModel? model, out ForwardReply.Failed? unknown))
        {
            await FailAsync(context, edge, route, unknown);
            return;
        }

        model = await edge.ConfiguredAsync(model);
        StringValues compression = context.Request.Headers.ContentEncoding;
        if (!StringValues.IsNullOrEmpty(compression) && compression is not ["identity"])
        {
            await Answer.FailureAsync(
                context,
                FailureKind.NotSupported,
                Answer.Text,
                $"request compression '{compression}' is not supported; send the body as it is"
            );
            return;
        }

        string? headerLength = context.Request.Headers.TryGetValue(HeaderLength.Name, out StringValues written) ? written.ToString() : null;
        InferRequest? request;
        InferFault? fault;
        using (RequestBody body = await RequestBody.ReadAsync(context, edge.Memory, edge.Spec.MaxRequestBytes))
        {
            InferRequestReader.TryRead(
                body.Memory,
                headerLength,
                model.Contract,
                edge.Memory,
                out request,
                out fault,
                context.RequestAborted
            );
        }

        using InferRequest? inputs = request;
        if (request is null)
        {
            await FaultAsync(context, fault!);
            return;
        }

        CallSpec call = new(request.Inputs, request.Outputs, request.Parameters)
        {
            TimeLeft = RequestDeadline.Read(
                context.Request.Headers[RequestDeadline.Header],
                edge.Spec.RequestTimeouts ? request.TimeoutMicroseconds : 0
            ),
            TimeoutMicroseconds = request.TimeoutMicroseconds,
            Priority = request.Priority,
            NamesVersion = route.Version is not null,
            TraceParent = context.Request.Headers.TraceParent,
        };
        switch (await InferenceCall.RunAsync(edge, model, call, context.RequestAborted))
        {
            case ForwardReply.Succeeded succeeded:
                try
                {
                    await AnswerAsync(context, edge, request, succeeded);
                }
                finally
                {
                    succeeded.Outputs.Release();
                }

                break;
            case ForwardReply.Failed failed:
                await FailAsync(context, edge, route, failed);
                break;
        }
    }

    private static async Task AnswerAsync(HttpContext context, NodeEdge edge, InferRequest request, ForwardReply.Succeeded succeeded)
    {
        long limit = Math.Min(edge.Spec.MaxOutputBytes, Array.MaxLength) + Frame;
        using ResponseBody answer = new(edge.Memory.Host, limit, aborted: context.RequestAborted);
        if (!InferResponseWriter.TryWrite(request, succeeded.Outputs, answer, out InferResponseHead head, out InferFault? fault))
        {
            await FaultAsync(context, fault);
            return;
        }

        if (head.HeaderLength is { } length)
        {
            context.Response.Headers[HeaderLength.Name] = length.ToString(CultureInfo.InvariantCulture);
        }

        if (answer.Count <= Chunk && head.Behind.Length == 0)
        {
            await Answer.BytesAsync(context, StatusCodes.Status200OK, head.ContentType, answer.Written);
            return;
        }

        context.Response.ContentType = head.ContentType;
        context.Response.ContentLength = answer.Count + head.Behind.Sum(static output => output.Payload.Length);
        await WriteAsync(context, answer.Written);
        foreach (Tensor output in head.Behind)
        {
            await WriteAsync(context, output.Data);
        }
    }

    private static async ValueTask WriteAsync(HttpContext context, ReadOnlyMemory<byte> bytes)
    {
        for (int start = 0; start < bytes.Length; start += Chunk)
        {
            await context.Response.BodyWriter.WriteAsync(bytes.Slice(start, Math.Min(Chunk, bytes.Length - start)), context.RequestAborted);
        }
    }

    private static Task FaultAsync(HttpContext context, InferFault fault) =>
        Answer.ErrorAsync(context, InferFault.Status, fault.ContentType, fault.Error);

    /// <summary>A model that is not there is named as the caller wrote it, wherever that was found.</summary>
    private static Task FailAsync(HttpContext context, NodeEdge edge, in EdgeRoute route, ForwardReply.Failed failed) =>
        Answer.FailureAsync(
            context,
            failed.Kind,
            FailureMap.Of(failed.Kind).Label == FailureLabel.Json ? Answer.Json : Answer.Text,
            failed.Kind == FailureKind.ModelNotLoaded ? edge.Catalogue.UnknownText(route.Name, route.Version) : failed.Detail
        );
}
