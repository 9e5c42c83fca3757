using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Troupe.Hosting.Failures;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;

namespace Troupe.Hosting.Edge;

/// <summary>One inference without its protocol: <see cref="TryFind"/> the version, decode what came for it, <see cref="RunAsync"/>, encode
/// what it returns.</summary>
/// <remarks><b>Thread</b> any. A refusal and a failure come back in the same form, as <see cref="ForwardReply.Failed"/>;
/// <see cref="FailureMap"/> says what it is in each protocol.</remarks>
internal static class InferenceCall
{
    /// <summary>1. Finds the version that the call addresses; where it names none, the one that the rule of its model says.</summary>
    public static bool TryFind(
        NodeEdge edge,
        string name,
        int? version,
        [NotNullWhen(true)] out ServedModel? model,
        [NotNullWhen(false)] out ForwardReply.Failed? failed
    )
    {
        ModelCatalogue catalogue = edge.Catalogue;
        model =
            version is null ? edge.Choose(name, edge.Node.NextRequestId())
            : catalogue.TryFind(name, version, out ServedModel? named) ? named
            : null;
        failed = model is null ? Refused(FailureKind.ModelNotLoaded, catalogue.UnknownText(name, version)) : null;
        return model is not null;
    }

    /// <summary>2. Resolves modes and session of the call, forwards it with its deadline, cancels it when the caller goes away, and counts
    /// it.</summary>
    /// <param name="spec">Its inputs are handed on, but where the call is refused before it is one.</param>
    /// <param name="aborted">Fires when nobody waits for the answer any more.</param>
    /// <returns>The caller's, who releases its outputs.</returns>
    public static async ValueTask<ForwardReply> RunAsync(NodeEdge edge, ServedModel model, CallSpec spec, CancellationToken aborted)
    {
        if (!CallModes.TryRead(spec.Parameters, out ModeChange? modes, out SessionId? session, out string wrong))
        {
            return Refused(FailureKind.InvalidRequest, wrong);
        }

        if (!spec.NamesVersion && (session is not null || modes?.Version is not null))
        {
            if (edge.Choose(model.Name, edge.Node.NextRequestId(), session, modes) is not { } chosen)
            {
                return Refused(FailureKind.ModelNotLoaded, edge.Catalogue.UnknownText(model.Name, null));
            }

            if (!chosen.IsLike(model))
            {
                return Refused(
                    FailureKind.InvalidRequest,
                    $"version {chosen.Number} of model '{model.Name}', which the session or the modes of the request say, has other tensors than version {model.Number}, which it was read for; name the version in the request"
                );
            }

            model = chosen;
        }

        ModelLedger ledger = edge.Ledgers.Of(model.Snapshot.Model);
        QueuePolicy queue = model.Configuration.Queue;
        Tensor[] inputs;
        try
        {
            inputs = model.ToModel(spec.Inputs);
        }
        catch (ForwardException unfit)
        {
            return Refused(FailureKind.InvalidRequest, unfit.Message);
        }

        ulong level = queue.Level(spec.Priority);
        long? most = queue.MaxQueueSize(spec.Priority);
        if (!ledger.TryStart(level, most + model.AtOnce ?? long.MaxValue))
        {
            ledger.Fail(TimeSpan.Zero, FailureMap.Of(FailureKind.QueueFull).Reason);
            return Refused(
                FailureKind.QueueFull,
                $"Exceeds maximum queue size: {most} requests of model '{model.Name}' wait already. Try again later."
            );
        }

        long started = Stopwatch.GetTimestamp();
        try
        {
            TimeSpan? queueTime = queue.QueueTime(spec.Priority, spec.TimeoutMicroseconds);
            TimeSpan timeLeft = spec.TimeLeft;
            if (queue.BatchDelay > TimeSpan.Zero)
            {
                long joined = ledger.Clock.GetTimestamp();
                if (await WaitForBatchAsync(ledger, model, spec, queueTime, aborted) is { } refused)
                {
                    ledger.Fail(Stopwatch.GetElapsedTime(started), FailureMap.Of(refused.Kind).Reason);
                    return refused;
                }

                TimeSpan waited = ledger.Clock.GetElapsedTime(joined);
                queueTime = queueTime is { } whole ? Rest(whole, waited) : null;
                timeLeft = Rest(timeLeft, waited);
            }

            Forward forward = new()
            {
                Id = edge.Node.NextRequestId(),
                Model = new ModelReference(model.Name, model.Number),
                TakesOtherVersion = !spec.NamesVersion,
                Inputs = inputs.HandOn(),
                Outputs = model.OutputsOf(spec.Outputs),
                TimeLeft = timeLeft,
                QueueTime = queueTime ?? TimeSpan.Zero,
                Priority = (int)queue.Priority(spec.Priority, ForwardPriority.Levels),
                Modes = modes,
                Session = session,
                TraceParent = TraceParent.Of(spec.TraceParent),
            };
            ForwardCall call = new(edge.Memory.Host);
            edge.Node.Forward(forward, call);
            ForwardReply reply;
            using (aborted.UnsafeRegister(static state => ((Cancellation)state!).Run(), new Cancellation(edge, forward.Id)))
            {
                reply = await call.Reply;
            }

            TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
            reply = reply is ForwardReply.Succeeded answered ? model.FromModel(answered) : reply;
            switch (reply)
            {
                case ForwardReply.Succeeded succeeded:
                    ledger.Succeed(elapsed, model.EntriesOf(spec.Inputs), succeeded.Report);
                    edge.Ledgers.CountForward(succeeded.Report.Gpu);
                    break;
                case ForwardReply.Failed failed:
                    ledger.Fail(elapsed, FailureMap.Of(failed.Kind).Reason);
                    break;
            }

            return reply;
        }
        finally
        {
            ledger.End(level);
        }
    }

    /// <summary>Waits for others to fill a batch, where the call may not wait as long as it would be held back for them.</summary>
    /// <returns>Null where it goes on.</returns>
    private static async ValueTask<ForwardReply.Failed?> WaitForBatchAsync(
        ModelLedger ledger,
        ServedModel model,
        CallSpec spec,
        TimeSpan? queueTime,
        CancellationToken aborted
    )
    {
        QueuePolicy queue = model.Configuration.Queue;
        TimeSpan? most =
            !(queueTime < queue.BatchDelay) ? null
            : spec.TimeLeft < queueTime ? spec.TimeLeft
            : queueTime;
        return await ledger.Gathering.JoinAsync(model.EntriesOf(spec.Inputs), queue.FullBatch(model.MaxBatchSize), most, aborted) ? null
            : aborted.IsCancellationRequested ? Refused(FailureKind.Cancelled, "The caller went away while the request waited for others.")
            : Refused(
                FailureKind.DeadlineExceeded,
                $"Request timeout expired: model '{model.Name}' is configured to wait {queue.BatchDelay.TotalMilliseconds:0.###} ms for a full batch (max_queue_delay_microseconds), and the request may wait {most?.TotalMilliseconds:0.###} ms. Fill the batch, or give it more time."
            );
    }

    /// <summary>What is left of a time; never none, which would bound nothing.</summary>
    private static TimeSpan Rest(TimeSpan whole, TimeSpan waited) =>
        whole - waited is var rest && rest > TimeSpan.Zero ? rest : new TimeSpan(1);

    /// <summary>A call that was not forwarded, and so has no id.</summary>
    private static ForwardReply.Failed Refused(FailureKind kind, string detail) => new(default, kind, detail);

    /// <summary>What to do when the caller goes away while its forward runs.</summary>
    private sealed class Cancellation(NodeEdge edge, RequestId id)
    {
        public void Run() => edge.Node.Cancel(id);
    }
}
