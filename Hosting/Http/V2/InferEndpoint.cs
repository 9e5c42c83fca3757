using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Primitives;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Hosting.Http.V2;

/// <summary>One inference over HTTP: read the body, decode, forward, encode, answer in one write.</summary>
internal static class InferEndpoint
{
    /// <summary>Length of the JSON part where binary tensors follow it.</summary>
    public const string HeaderLength = "Inference-Header-Content-Length";

    public static async Task InferAsync(HttpContext context, NodeEdge edge, V2Route route)
    {
        if (!edge.Catalogue.TryFind(route.Model, route.Version, out ServedModel? model))
        {
            await ModelEndpoints.UnknownAsync(context, route, Answer.Text);
            return;
        }

        if (
            !StringValues.IsNullOrEmpty(context.Request.Headers.ContentEncoding)
            && context.Request.Headers.ContentEncoding is not ["identity"]
        )
        {
            await Answer.ErrorAsync(
                context,
                StatusCodes.Status501NotImplemented,
                Answer.Text,
                $"request compression '{context.Request.Headers.ContentEncoding}' is not supported; send the body as it is"
            );
            return;
        }

        using RequestBody body = await RequestBody.ReadAsync(context, edge.Spec.MaxRequestBytes);
        string? headerLength = context.Request.Headers.TryGetValue(HeaderLength, out StringValues written) ? written.ToString() : null;
        if (!InferRequestReader.TryRead(body.Memory, headerLength, model.Contract, out InferRequest? request, out InferFault? fault))
        {
            await FaultAsync(context, fault);
            return;
        }

        if (!CallModes.TryRead(request.Parameters, out ModeChange? modes, out SessionId? session, out string wrong))
        {
            await Answer.ErrorAsync(context, StatusCodes.Status400BadRequest, Answer.Json, wrong);
            return;
        }

        switch (await ForwardAsync(context, edge, model, request, modes, session))
        {
            case ForwardReply.Succeeded succeeded:
                if (succeeded.Report.Attempts > 1)
                {
                    body.Abandon();
                }

                await AnswerAsync(context, request, succeeded);
                break;
            case ForwardReply.Failed failed:
                body.Abandon();
                await FailAsync(context, route, failed);
                break;
        }
    }

    private static async ValueTask<ForwardReply> ForwardAsync(
        HttpContext context,
        NodeEdge edge,
        ServedModel model,
        InferRequest request,
        ModeChange? modes,
        SessionId? session
    )
    {
        ModelLedger ledger = edge.Ledgers.Of(model.Snapshot.Model);
        Forward forward = new()
        {
            Id = edge.Node.NextRequestId(),
            Model = new ModelReference(model.Name, model.Number),
            Inputs = request.Inputs,
            Outputs = request.Outputs,
            Modes = modes,
            Session = session,
            TraceParent = context.Request.Headers.TraceParent,
        };
        long started = Stopwatch.GetTimestamp();
        ForwardCall call = new();
        ledger.Start();
        edge.Node.Forward(forward, call);
        ForwardReply reply;
        using (context.RequestAborted.UnsafeRegister(static state => ((Cancellation)state!).Run(), new Cancellation(edge, forward.Id)))
        {
            reply = await call.Reply;
        }

        Count(edge, ledger, model, request, reply, Stopwatch.GetElapsedTime(started));
        return reply;
    }

    private static void Count(
        NodeEdge edge,
        ModelLedger ledger,
        ServedModel model,
        InferRequest request,
        ForwardReply reply,
        TimeSpan elapsed
    )
    {
        switch (reply)
        {
            case ForwardReply.Succeeded succeeded:
                long batch = model.MaxBatchSize > 0 ? request.Inputs[0].Shape[0] : 1;
                ledger.Succeed(elapsed, batch, succeeded.Report);
                edge.Ledgers.CountForward(succeeded.Report.Gpu);
                break;
            case ForwardReply.Failed
            {
                Kind: FailureKind.InvalidRequest
                    or FailureKind.InvalidInput
                    or FailureKind.ModelNotLoaded
                    or FailureKind.NotSupported
                    or FailureKind.ModeConflict
            }:
                ledger.Refuse();
                break;
            case ForwardReply.Failed failed:
                ledger.Fail(elapsed, failed.Kind);
                break;
        }
    }

    private static async Task AnswerAsync(HttpContext context, InferRequest request, ForwardReply.Succeeded succeeded)
    {
        using ResponseBody answer = new();
        if (!InferResponseWriter.TryWrite(request, succeeded.Outputs, answer, out InferResponseHead head, out InferFault? fault))
        {
            await FaultAsync(context, fault);
            return;
        }

        if (head.HeaderLength is { } length)
        {
            context.Response.Headers[HeaderLength] = length.ToString(CultureInfo.InvariantCulture);
        }

        await Answer.BytesAsync(context, StatusCodes.Status200OK, head.ContentType, answer.Written);
    }

    private static Task FaultAsync(HttpContext context, InferFault fault) =>
        Answer.ErrorAsync(context, fault.Status, fault.ContentType, fault.Error);

    private static Task FailAsync(HttpContext context, in V2Route route, ForwardReply.Failed failed) =>
        failed.Kind switch
        {
            FailureKind.ModelNotLoaded => ModelEndpoints.UnknownAsync(context, route, Answer.Text),
            FailureKind.InvalidRequest or FailureKind.InvalidInput => Answer.ErrorAsync(
                context,
                StatusCodes.Status400BadRequest,
                Answer.Json,
                failed.Detail
            ),
            _ => Answer.ErrorAsync(context, FailureMap.Status(failed.Kind), Answer.Text, failed.Detail),
        };

    /// <summary>What to do when the client goes away while its forward runs.</summary>
    private sealed class Cancellation(NodeEdge edge, RequestId id)
    {
        public void Run() => edge.Node.Cancel(id);
    }
}
