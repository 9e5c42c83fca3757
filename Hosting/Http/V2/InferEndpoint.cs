using System.Globalization;
using Microsoft.Extensions.Primitives;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;

namespace Troupe.Hosting.Http.V2;

/// <summary>One inference over HTTP: read the body, decode, call, encode, answer in one write.</summary>
internal static class InferEndpoint
{
    /// <summary>What an answer takes beside its outputs: names, shapes and an id.</summary>
    private const long Frame = 1 << 20;

    public static async Task InferAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        if (!InferenceCall.TryFind(edge, route.Name, route.Version, out ServedModel? model, out ForwardReply.Failed? unknown))
        {
            await FailAsync(context, route, unknown);
            return;
        }

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

        using RequestBody body = await RequestBody.ReadAsync(context, edge.Spec.MaxRequestBytes);
        string? headerLength = context.Request.Headers.TryGetValue(HeaderLength.Name, out StringValues written) ? written.ToString() : null;
        if (
            !InferRequestReader.TryRead(
                body.Memory,
                headerLength,
                model.Contract,
                out InferRequest? request,
                out InferFault? fault,
                context.RequestAborted
            )
        )
        {
            await FaultAsync(context, fault);
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
            TraceParent = context.Request.Headers.TraceParent,
        };
        switch (await InferenceCall.RunAsync(edge, model, call, context.RequestAborted))
        {
            case ForwardReply.Succeeded succeeded:
                if (succeeded.Report.Attempts > 1)
                {
                    body.Abandon();
                }

                await AnswerAsync(context, edge, request, succeeded);
                break;
            case ForwardReply.Failed failed:
                body.Abandon();
                await FailAsync(context, route, failed);
                break;
        }
    }

    private static async Task AnswerAsync(HttpContext context, NodeEdge edge, InferRequest request, ForwardReply.Succeeded succeeded)
    {
        long limit = Math.Min(edge.Spec.MaxOutputBytes, Array.MaxLength) + Frame;
        using ResponseBody answer = new(limit: limit, aborted: context.RequestAborted);
        if (!InferResponseWriter.TryWrite(request, succeeded.Outputs, answer, out InferResponseHead head, out InferFault? fault))
        {
            await FaultAsync(context, fault);
            return;
        }

        if (head.HeaderLength is { } length)
        {
            context.Response.Headers[HeaderLength.Name] = length.ToString(CultureInfo.InvariantCulture);
        }

        await Answer.BytesAsync(context, StatusCodes.Status200OK, head.ContentType, answer.Written);
    }

    private static Task FaultAsync(HttpContext context, InferFault fault) =>
        Answer.ErrorAsync(context, InferFault.Status, fault.ContentType, fault.Error);

    /// <summary>A model that is not there is named as the caller wrote it, wherever that was found.</summary>
    private static Task FailAsync(HttpContext context, in EdgeRoute route, ForwardReply.Failed failed) =>
        Answer.FailureAsync(
            context,
            failed.Kind,
            FailureMap.Of(failed.Kind).Label == FailureLabel.Json ? Answer.Json : Answer.Text,
            failed.Kind == FailureKind.ModelNotLoaded ? ModelCatalogue.UnknownText(route.Name, route.Version) : failed.Detail
        );
}
