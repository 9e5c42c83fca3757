using Troupe.Actors.Counts;
using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>The origin's decisions: every forward accepted here gets exactly one terminal reply, whatever dies.</summary>
/// <remarks>
/// It is long because every way out of a pending forward stands together, so that each is seen to answer once.
/// Knows no Akka: each method appends what is to be done to the list it shares with <see cref="HomeCore"/>. Only an origin dispatches
/// again: after a bounce to the next node, after a loss up to
/// <see cref="MaxAttempts"/>. A forward leaves <c>_pending</c> in <see cref="Answer"/> and nowhere else.
/// </remarks>
internal sealed class RouterCore(RoutingTable table, DecisionQueue<RouterDecision, IRouterShell> decisions, AuditLedger? audit = null)
{
    public const int MaxAttempts = 3;

    private readonly Dictionary<RequestId, PendingForward> _pending = [];
    private readonly RouterAudit _audit = new(table, audit ?? new AuditLedger());
    private readonly DeadlineWheel _deadlines = new();
    private readonly List<DeadlineEntry> _expired = [];
    private readonly RouteChooser _chooser = new(table);
    private bool _draining;

    public int Pending => _pending.Count;

    public void Accept(Forward forward, IForwardSink sink, TimeSpan now)
    {
        if (_draining)
        {
            Refuse(FailureKind.Draining, $"Node {table.Self} is draining and takes no new forwards. Use another node.");
            return;
        }

        if (forward.TimeLeft <= TimeSpan.Zero)
        {
            Refuse(FailureKind.DeadlineExceeded, "The forward had no time left when it arrived.");
            return;
        }

        var pending = new PendingForward(forward, sink) { Deadline = now + Clamp(forward.TimeLeft) };
        if (!_pending.TryAdd(forward.Id, pending))
        {
            Refuse(FailureKind.InvalidRequest, $"Request id {forward.Id} is in use by a forward that has not been answered.");
            return;
        }

        _audit.Accept(pending);
        _deadlines.Add(pending);
        Dispatch(pending, now);

        void Refuse(FailureKind kind, string detail) =>
            decisions.Add(RouterDecision.AnswerSink(sink, new ForwardReply.Failed(forward.Id, kind, detail)));
    }

    public void Cancel(RequestId id)
    {
        if (_pending.TryGetValue(id, out PendingForward? pending))
        {
            Withdraw(pending);
            Answer(pending, new ForwardReply.Failed(id, FailureKind.Cancelled, "The caller cancelled the forward."));
        }
    }

    /// <summary>A GPU of this node has released a forward: its credit is back, and here is the outcome if it was this router's.</summary>
    public void Release(GpuRelease release, TimeSpan now)
    {
        if (table.Gpu(release.Ordinal) is { } gpu)
        {
            gpu.Outstanding--;
        }

        _audit.Release(release);
        if (release.Outcome is { } outcome)
        {
            End(outcome, null, now);
        }
    }

    /// <summary>An attempt has ended, here or on another node.</summary>
    public void End(ForwardOutcome outcome, NodeId? from, TimeSpan now)
    {
        if (!_pending.TryGetValue(outcome.Reply.Id, out PendingForward? pending))
        {
            return;
        }

        RouterAudit.End(pending, outcome);
        if (outcome.Attempt != pending.Attempt)
        {
            // A result that comes late is as good as the one awaited; a failure of an abandoned attempt says nothing.
            if (outcome.Reply is ForwardReply.Succeeded)
            {
                Withdraw(pending);
                Answer(pending, outcome.Reply);
            }

            return;
        }

        Leave(pending);
        switch (outcome.Advice)
        {
            case RetryAdvice.Final:
            case RetryAdvice.Unknown:
                Answer(pending, outcome.Reply);
                break;
            case RetryAdvice.Bounce:
                (pending.Bounced ??= []).Add(from ?? table.Self);
                pending.LastFailure = outcome.Reply as ForwardReply.Failed;
                Dispatch(pending, now);
                break;
            case RetryAdvice.Retry:
                pending.LastFailure = outcome.Reply as ForwardReply.Failed;
                Again(pending, now);
                break;
            default:
                // Unknown: advice that a newer version gave. Its reply still stands.
                Answer(pending, outcome.Reply);
                break;
        }
    }

    public void Tick(TimeSpan now)
    {
        _expired.Clear();
        _deadlines.Advance(now, _expired);
        foreach (DeadlineEntry entry in _expired)
        {
            var pending = (PendingForward)entry;
            Withdraw(pending);
            Answer(
                pending,
                new ForwardReply.Failed(
                    pending.Forward.Id,
                    FailureKind.DeadlineExceeded,
                    $"No result within {Clamp(pending.Forward.TimeLeft).TotalMilliseconds:0} ms."
                )
            );
        }
    }

    /// <summary>A node cannot be reached, or another life of it has begun: what was there is sent again or failed, at once.</summary>
    public void EndAttemptsOn(NodeId id, TimeSpan now)
    {
        List<PendingForward> lost = [.. _pending.Values.Where(pending => pending.Node?.Id == id)];
        foreach (PendingForward pending in lost)
        {
            Leave(pending);
            pending.LastFailure = new ForwardReply.Failed(
                pending.Forward.Id,
                FailureKind.NodeUnreachable,
                $"Node {id}, which ran the forward, cannot be reached."
            );
            if (pending.SafeToResend)
            {
                Again(pending, now);
            }
            else
            {
                Answer(pending, pending.LastFailure);
            }
        }
    }

    public void Drain() => _draining = true;

    /// <summary>The router ends: what is still pending is answered, for nobody will after it.</summary>
    public void Stop()
    {
        foreach (PendingForward pending in _pending.Values.ToList())
        {
            Answer(
                pending,
                new ForwardReply.Failed(pending.Forward.Id, FailureKind.Draining, $"Node {table.Self} stopped before the forward was done.")
            );
        }
    }

    /// <summary>A decision could not be applied: a forward that went nowhere is answered at once.</summary>
    public void Failed(in RouterDecision decision, Exception cause, TimeSpan now)
    {
        switch (decision.Action)
        {
            case RouterAction.Dispatch when decision.Dispatched is { Origin: null } dispatched:
                var undispatched = new ForwardReply.Failed(
                    dispatched.Forward.Id,
                    FailureKind.Internal,
                    $"The forward could not be handed to device {decision.Ordinal}: {cause.Message}"
                );
                Release(
                    new GpuRelease(
                        decision.Ordinal,
                        dispatched.Forward.Id,
                        dispatched.Attempt,
                        new ForwardOutcome(dispatched.Attempt, undispatched, RetryAdvice.Final)
                    ),
                    now
                );
                break;
            case RouterAction.Send when decision.Route is { } route:
                var unsent = new ForwardReply.Failed(
                    route.Forward.Id,
                    FailureKind.Internal,
                    $"The forward could not be sent to node {decision.Node}: {cause.Message}"
                );
                End(new ForwardOutcome(route.Attempt, unsent, RetryAdvice.Final), null, now);
                break;
            default:
                // A sink that throws has its reply; what is dropped late is only done for nothing.
                break;
        }
    }

    private static TimeSpan Clamp(TimeSpan timeLeft) => timeLeft < MaxTimeLeft ? timeLeft : MaxTimeLeft;

    /// <summary>A forward never goes without a deadline, so an absurd one is cut.</summary>
    private static TimeSpan MaxTimeLeft { get; } = TimeSpan.FromHours(24);

    private void Again(PendingForward pending, TimeSpan now)
    {
        if (++pending.Losses < MaxAttempts)
        {
            Dispatch(pending, now);
        }
        else
        {
            Answer(pending, pending.LastFailure!);
        }
    }

    private void Dispatch(PendingForward pending, TimeSpan now)
    {
        RouteChoice choice = _chooser.Choose(pending, now);
        if (choice.Route is not { } route)
        {
            Answer(pending, pending.LastFailure ?? new ForwardReply.Failed(pending.Forward.Id, choice.Kind, choice.Detail));
            return;
        }

        pending.Attempt++;
        RouterAudit.Dispatch(pending);
        pending.Model = route.Model;
        pending.SafeToResend = route.SafeToResend;
        if (choice.Gpu is { } gpu)
        {
            pending.Gpu = gpu;
            table.Use(gpu);
            decisions.Add(
                RouterDecision.Dispatch(
                    gpu.Id.Ordinal,
                    new DispatchForward(pending.Forward, route.Model, pending.Attempt, pending.Deadline, null)
                )
            );
        }
        else if (choice.Node is { } node)
        {
            pending.Node = node;
            node.Outstanding++;
            Forward forward = pending.Forward with
            {
                Model = new ModelReference(route.Model.Name, route.Model.Number),
                TimeLeft = pending.Deadline - now,
            };
            decisions.Add(RouterDecision.Send(node.Id, new RouteForward(forward, pending.Attempt)));
        }
    }

    /// <summary>The current attempt goes on without anybody waiting for it: queued work is removed, launched work finishes
    /// unseen.</summary>
    private void Withdraw(PendingForward pending)
    {
        _audit.Withdraw(pending);
        if (pending.Gpu is { } gpu)
        {
            decisions.Add(RouterDecision.Drop(gpu.Id.Ordinal, pending.Forward.Id, pending.Attempt));
        }
        else if (pending.Node is { } node)
        {
            decisions.Add(RouterDecision.Abandon(node.Id, pending.Forward.Id, pending.Attempt));
        }

        Leave(pending);
    }

    private static void Leave(PendingForward pending)
    {
        if (pending.Node is { } node)
        {
            node.Outstanding--;
        }

        pending.Node = null;
        pending.Gpu = null;
    }

    private void Answer(PendingForward pending, ForwardReply reply)
    {
        _pending.Remove(pending.Forward.Id);
        _deadlines.Remove(pending);
        RouterAudit.Answer(pending, reply);
        decisions.Add(RouterDecision.AnswerSink(pending.Sink, reply));
    }
}
