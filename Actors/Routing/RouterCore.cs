using Troupe.Actors.Counts;
using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Actors.Routing;

/// <summary>The origin's decisions: every forward accepted here gets exactly one terminal reply, whatever dies.</summary>
/// <remarks>
/// Knows no Akka: each method appends what is to be done to the list it shares with <see cref="HomeCore"/>. Only an origin dispatches
/// again, as <see cref="RouterAttempts"/> says. <b>Owns</b> the pending forwards.
/// </remarks>
internal sealed class RouterCore
{
    private readonly RoutingTable _table;
    private readonly VersionChooser _versions;
    private readonly DecisionQueue<RouterDecision, IRouterShell> _decisions;
    private readonly PendingForwards _pending;
    private readonly RouterAudit _audit;
    private readonly RouterAttempts _attempts;
    private bool _draining;

    public RouterCore(
        RoutingTable table,
        VersionChooser versions,
        DecisionQueue<RouterDecision, IRouterShell> decisions,
        AuditLedger? audit = null
    )
    {
        _table = table;
        _versions = versions;
        _decisions = decisions;
        _pending = new PendingForwards(decisions);
        _audit = new RouterAudit(audit ?? new AuditLedger());
        _attempts = new RouterAttempts(table, versions, _pending, _audit, decisions);
    }

    public Suspects Suspects => _attempts.Suspects;

    public int Pending => _pending.Count;

    public void Accept(Forward forward, IForwardSink sink, TimeSpan now)
    {
        if (_draining)
        {
            Refuse(FailureKind.Draining, $"Node {_table.Self} is draining and takes no new forwards. Use another node.");
            return;
        }

        if (forward.TimeLeft <= TimeSpan.Zero)
        {
            Refuse(FailureKind.DeadlineExceeded, "The forward had no time left when it arrived.");
            return;
        }

        var pending = new PendingForward(_versions.Resolve(forward), sink)
        {
            Deadline = now + Clamp(forward.TimeLeft),
            IsUnversioned = forward.Model.Number is null || forward.TakesOtherVersion,
        };
        if (!_pending.TryAdd(pending))
        {
            Refuse(FailureKind.InvalidRequest, $"Request id {forward.Id} is in use by a forward that has not been answered.");
            return;
        }

        _audit.Accept(pending);
        _attempts.Begin(pending, now);
        _attempts.RunSuspects(now);

        void Refuse(FailureKind kind, string detail) =>
            _decisions.Add(RouterDecision.AnswerSink(sink, new ForwardReply.Failed(forward.Id, kind, detail)));
    }

    public void Cancel(RequestId id, TimeSpan now)
    {
        if (_pending.TryGet(id, out PendingForward? pending))
        {
            _attempts.Withdraw(pending);
            _attempts.Answer(pending, new ForwardReply.Failed(id, FailureKind.Cancelled, "The caller cancelled the forward."));
            _attempts.RunSuspects(now);
        }
    }

    /// <summary>A GPU of this node has released a forward: its credit is back, and here is the outcome if it was this router's.</summary>
    public void Release(GpuRelease release, TimeSpan now)
    {
        if (_table.Gpu(release.Ordinal) is { } gpu)
        {
            gpu.Outstanding--;
        }

        _audit.Release(release);
        if (release.Outcome is { } outcome)
        {
            End(outcome, null, now);
        }
        else
        {
            Suspects.EndWithdrawn(release.Id, release.Attempt, isLost: false, wasAlone: false, "", now);
        }
    }

    /// <summary>An attempt has ended, here or on another node.</summary>
    public void End(ForwardOutcome outcome, NodeId? from, TimeSpan now)
    {
        if (!_pending.TryGet(outcome.Reply.Id, out PendingForward? pending))
        {
            (outcome.Reply as ForwardReply.Succeeded)?.Outputs.Release();
            Suspects.EndWithdrawn(outcome.Reply.Id, outcome.Attempt, IsLostLaunched(outcome), outcome.Alone, Where(outcome, from), now);
            return;
        }

        RouterAudit.End(pending, outcome);
        if (outcome.Attempt != pending.Attempt || !pending.IsUnderWay)
        {
            // A result that comes late is as good as the one awaited; a failure of an abandoned attempt says nothing.
            if (outcome.Reply is ForwardReply.Succeeded)
            {
                _attempts.Withdraw(pending);
                _attempts.Answer(pending, outcome.Reply);
            }
        }
        else
        {
            End(pending, outcome, from, now);
        }

        _attempts.RunSuspects(now);
    }

    private void End(PendingForward pending, ForwardOutcome outcome, NodeId? from, TimeSpan now)
    {
        _attempts.End(pending);
        if (outcome.Reply is not ForwardReply.Failed failed)
        {
            _attempts.Answer(pending, outcome.Reply);
            return;
        }

        pending.LastFailure = failed;
        if (IsLostLaunched(outcome))
        {
            pending.EnsureNotes().LostOn = outcome.Gpu;
            pending.SafeToResend &= outcome.Advice == RetryAdvice.Retry;
            _attempts.LoseLaunched(pending, outcome.Alone, Where(outcome, from), now);
            return;
        }

        switch (outcome.Advice)
        {
            case RetryAdvice.Final:
            case RetryAdvice.Unknown:
                _attempts.Answer(pending, failed);
                break;
            case RetryAdvice.Bounce:
                _attempts.Bounce(pending, from ?? _table.Self, now);
                break;
            case RetryAdvice.Retry:
                _attempts.LoseUnlaunched(pending, now);
                break;
            default:
                // Unknown: advice that a newer version gave. Its reply still stands.
                _attempts.Answer(pending, failed);
                break;
        }
    }

    public void Tick(TimeSpan now)
    {
        foreach (DeadlineEntry entry in _pending.Expire(now))
        {
            var pending = (PendingForward)entry;
            _attempts.Withdraw(pending);
            _attempts.Answer(
                pending,
                new ForwardReply.Failed(
                    pending.Forward.Id,
                    FailureKind.DeadlineExceeded,
                    $"No result within {Clamp(pending.Forward.TimeLeft).TotalMilliseconds:0} ms."
                )
            );
        }

        _attempts.Tick(now);
    }

    /// <summary>A device of this node has said how it is: whoever waits for one looks again.</summary>
    public void Resume(TimeSpan now) => _attempts.Resume(now);

    /// <summary>A node cannot be reached, or another life of it has begun: what was there may have been launched, and is suspect.</summary>
    public void EndAttemptsOn(NodeId id, TimeSpan now)
    {
        foreach (PendingForward pending in _pending.All.Where(pending => pending.Node?.Id == id))
        {
            _attempts.End(pending);
            pending.EnsureNotes().MayEndNode = true;
            (pending.Bounced ??= []).Add(id);
            pending.LastFailure = new ForwardReply.Failed(
                pending.Forward.Id,
                FailureKind.NodeUnreachable,
                $"Node {id}, which ran the forward, cannot be reached."
            );
            _attempts.LoseLaunched(pending, wasAlone: false, $"node {id}", now);
        }

        Suspects.EndWithdrawnOn(id, now);
        _attempts.RunSuspects(now);
    }

    public void Drain() => _draining = true;

    /// <summary>The router ends: what is still pending is answered, for nobody will after it.</summary>
    public void Stop()
    {
        foreach (PendingForward pending in _pending.All)
        {
            _attempts.Answer(
                pending,
                new ForwardReply.Failed(
                    pending.Forward.Id,
                    FailureKind.Draining,
                    $"Node {_table.Self} stopped before the forward was done."
                )
            );
        }

        Suspects.Withdrawn.Clear();
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

    private static bool IsLostLaunched(ForwardOutcome outcome) =>
        outcome is { Launched: true, Reply: ForwardReply.Failed { Kind: FailureKind.DeviceLost } };

    /// <summary>What an attempt was lost with; an older node does not say which of its devices that was.</summary>
    private string Where(ForwardOutcome outcome, NodeId? from) =>
        outcome.Gpu is { } gpu ? $"device {gpu}" : $"a device of node {from ?? _table.Self}";

    private static TimeSpan Clamp(TimeSpan timeLeft) => timeLeft < MaxTimeLeft ? timeLeft : MaxTimeLeft;

    /// <summary>A forward never goes without a deadline, so an absurd one is cut.</summary>
    private static TimeSpan MaxTimeLeft { get; } = TimeSpan.FromHours(24);
}
