using System.Diagnostics;
using Troupe.Actors.Counts;
using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>What a client may ask of a mode directory, one method a request: held against what there is, then answered from the store or
/// coordinated.</summary>
/// <remarks>It is long because every request of a client stands in it once. Knows no Akka; part of <see cref="ModeDirectoryCore"/> and of
/// its thread.</remarks>
/// <param name="newId">Makes tokens and session ids.</param>
internal sealed class ModeRequestHandler(
    NodeId self,
    ModeStore store,
    ModeRequestCheck checks,
    ModeCoordinator coordinator,
    AuditLedger audit,
    Func<Guid> newId,
    DecisionQueue<ModeDecision, IModeShell> decisions
)
{
    /// <summary>Takes a client's request; it gets one answer, now or when the GPUs and members concerned have answered or run out of
    /// time.</summary>
    public void Handle(ModeRequest request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        switch (request)
        {
            case SetMode set:
                Set(set, asker, now);
                break;
            case UnsetMode unset:
                Unset(unset, asker, now);
                break;
            case EnterMode enter:
                Enter(enter, asker, now);
                break;
            case RenewMode renew:
                Renew(renew, asker, now);
                break;
            case ExitMode exit:
                Exit(exit, asker, now);
                break;
            case GetModes get:
                Get(get, asker, now);
                break;
            case ExplainModes explain:
                Explain(explain, asker, now);
                break;
            case GetAudit get:
                Get(get, asker);
                break;
            case OpenSession open:
                OpenSession(open, asker, now);
                break;
            case RenewSession renew:
                RenewSession(renew, asker, now);
                break;
            case CloseSession close:
                CloseSession(close, asker, now);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private void Set(SetMode request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        ModeScope scope = ModeScopes.Normalize(request.Scope);
        if (checks.Change(request.Scope, request.Change) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        var entry = new ModeEntry(store.NextStamp(), null, scope, request.Change, self);
        coordinator.Change(
            entry,
            asker,
            operation => new ModeReply.Applied(entry.Stamp.Time, operation.Reached, [.. operation.NotReached]),
            now
        );
    }

    private void Unset(UnsetMode request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        ModeScope scope = ModeScopes.Normalize(request.Scope);

        // What the scope names may have gone since its baseline was set.
        ModeRefusal? refusal = ModeValidation.Scope(request.Scope) ?? (store.Table.HasBaseline(scope) ? null : checks.Scope(request.Scope));
        if (refusal is not null)
        {
            Refuse(asker, refusal);
            return;
        }

        if (!ModeText.TryName(request.Settings, out ModeChange named, out string error))
        {
            Refuse(asker, new ModeRefusal(FailureKind.InvalidRequest, error));
            return;
        }

        // Made even where this directory knows of no such baseline: another may hold one that is on its way.
        ModeStamp stamp = store.NextStamp();
        var unset = new ModeEntry(stamp, null, scope, named, self, End: new ModeEnd(stamp.Time, ModeEndReason.Unset));
        coordinator.Commit(
            [unset],
            scope,
            asker,
            operation => new ModeReply.Applied(Math.Min(stamp.Time, store.InForce.Epoch), operation.Reached, [.. operation.NotReached]),
            now
        );
    }

    private void Enter(EnterMode request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        ModeScope scope = ModeScopes.Normalize(request.Scope);
        if ((checks.Change(request.Scope, request.Change) ?? ModeValidation.Lease(request.Lease)) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        ModeStamp stamp = store.NextStamp();
        var token = new ModeToken(newId());
        var entry = new ModeEntry(stamp, token, scope, request.Change, self, request.Owner, new ModeLease(stamp, request.Lease));
        coordinator.Change(
            entry,
            asker,
            operation => new ModeReply.Entered(token, stamp.Time, operation.Reached, [.. operation.NotReached]),
            now
        );
    }

    private void Renew(RenewMode request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        (ModeEntry? entry, ModeRefusal? refusal) = checks.Token(request.Token);
        refusal ??= ModeValidation.Lease(request.Lease);
        if (entry is null || refusal is not null)
        {
            Refuse(asker, refusal!);
            return;
        }

        ModeEntry renewed = entry with { Lease = new ModeLease(store.NextStamp(), request.Lease) };
        coordinator.Commit([renewed], renewed.Scope, asker, _ => new ModeReply.Renewed(request.Token, request.Lease), now);
    }

    private void Exit(ExitMode request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        (ModeEntry? entry, ModeRefusal? refusal) = checks.Token(request.Token);
        if (entry is null)
        {
            Refuse(asker, refusal!);
            return;
        }

        long time = store.NextTime();
        ModeEntry ended = ModeEntries.Ended(entry, new ModeEnd(time, ModeEndReason.Exited));
        coordinator.Commit(
            [ended],
            entry.Scope,
            asker,
            operation => new ModeReply.Exited(request.Token, time, [.. operation.NotReached]),
            now
        );
    }

    private void OpenSession(OpenSession request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        if (ModeValidation.Lease(request.Lease) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        ModeStamp stamp = store.NextStamp();
        var session = new SessionId(newId());
        var entry = new ModeEntry(
            stamp,
            null,
            new ModeScope(Session: session),
            ModeChange.None,
            self,
            request.Owner,
            new ModeLease(stamp, request.Lease),
            IsSession: true
        );
        coordinator.Commit([entry], entry.Scope, asker, _ => new ModeReply.SessionOpened(session, request.Lease, stamp.Time), now);
    }

    private void RenewSession(RenewSession request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        if ((checks.Session(request.Session) ?? ModeValidation.Lease(request.Lease)) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        ModeEntry renewed = store.Table.Find(request.Session)! with { Lease = new ModeLease(store.NextStamp(), request.Lease) };
        coordinator.Commit([renewed], renewed.Scope, asker, _ => new ModeReply.SessionRenewed(request.Session, request.Lease), now);
    }

    private void CloseSession(CloseSession request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        if (checks.Session(request.Session) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        ModeEntry session = store.Table.Find(request.Session)!;
        long time = store.NextTime();
        coordinator.Commit(
            [.. store.Ends(session, new ModeEnd(time, ModeEndReason.Exited))],
            session.Scope,
            asker,
            _ => new ModeReply.SessionClosed(request.Session, time),
            now
        );
    }

    private void Get(GetModes request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        if (ModeValidation.Scope(request.Scope) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        // A model may have gone and left what was set for it.
        if (
            !store.Table.Entries.Any(entry => store.IsLive(entry) && entry.Scope.Model == request.Scope.Model)
            && checks.Model(request.Scope) is { } unknown
        )
        {
            Refuse(asker, unknown);
            return;
        }

        var unsets = ModeUnsets.Of(store.Table.Entries);
        ModeEntrySnapshot[] entries =
        [
            .. store
                .Shown()
                .Where(entry => ModeScopes.Overlap(entry.Scope, request.Scope))
                .Select(entry => new ModeEntrySnapshot(
                    entry.Token,
                    entry.Scope,
                    unsets.Left(entry),
                    entry.Stamp.Time,
                    store.Left(entry, now),
                    entry.Coordinator,
                    entry.IsSession
                )),
        ];
        decisions.Add(new ModeDecision.Answer(asker, new ModeReply.Listing(entries, store.InForce.Epoch)));
    }

    private void Get(GetAudit request, IReplyTo<ModeReply> asker)
    {
        if (ModeValidation.Scope(request.Scope) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        if (request.Scope.Node is not null || request.Scope.Gpu is not null)
        {
            Refuse(
                asker,
                new ModeRefusal(
                    FailureKind.InvalidRequest,
                    "Forwards are counted by the router that accepted them, wherever they run: ask by model or session."
                )
            );
            return;
        }

        // What was counted stays when its model goes.
        AuditRow[] rows = audit.Read(ModeScopes.Normalize(request.Scope));
        if (!rows.Any(row => row.Scope?.Model == request.Scope.Model) && checks.Model(request.Scope) is { } unknown)
        {
            Refuse(asker, unknown);
            return;
        }

        decisions.Add(new ModeDecision.Answer(asker, new ModeReply.Audited(rows)));
    }

    private void Explain(ExplainModes request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        ModeScope scope = ModeScopes.Normalize(request.Scope);
        if (checks.Scope(request.Scope) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        coordinator.Explain(scope, asker, now);
    }

    private void Refuse(IReplyTo<ModeReply> asker, ModeRefusal refusal) =>
        decisions.Add(new ModeDecision.Answer(asker, new ModeReply.Refused(refusal.Kind, refusal.Reason, [])));
}
