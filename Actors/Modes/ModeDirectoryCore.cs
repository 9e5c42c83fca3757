using System.Diagnostics;
using Troupe.Actors.Counts;
using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;
using ClusterView = Troupe.Actors.Membership.ClusterView;

namespace Troupe.Actors.Modes;

/// <summary>The decisions of a mode directory: coordinates changes of its clients, takes part in those of others, and keeps its copy of the
/// modes like theirs.</summary>
/// <remarks>
/// It is long because it is the one door to three conversations; each is carried on in a file of its own.
/// Knows no Akka. Three conversations, each in a file of its own kind: requests are coordinated by <see cref="ModeOperation"/>s (prepare,
/// commit, perhaps compensate), the node's GPUs are
/// asked in <see cref="GpuRound"/>s, <see cref="ModeExchange"/> makes all members hold the same. What is decided is appended
/// to the queue that the constructor was given.
/// A member that dies or becomes unreachable is no refusal: it is outside the scope, named in <c>notReached</c>, and catches up before it
/// takes work.
/// </remarks>
internal sealed class ModeDirectoryCore
{
    private readonly NodeId _self;
    private readonly DecisionQueue<ModeDecision, IModeShell> _decisions;
    private readonly ModeStore _store;
    private readonly ModeRequests _requests;
    private readonly ModeExchange _exchange;
    private readonly Func<Guid> _newId;
    private readonly ModeCoordinator _coordinator;
    private readonly AuditLedger _audit;
    private ModeCounts _counts = ModeCounts.None;
    private readonly SortedSet<string> _owners = new(StringComparer.Ordinal);

    /// <param name="newId">Makes tokens and session ids: unguessable in service, repeatable in tests.</param>
    public ModeDirectoryCore(
        NodeId self,
        NodeIncarnation incarnation,
        ModeDirectoryOptions options,
        Func<ClusterView> view,
        Func<Guid> newId,
        DecisionQueue<ModeDecision, IModeShell> decisions,
        AuditLedger? audit = null
    )
    {
        _audit = audit ?? new AuditLedger();
        _self = self;
        _decisions = decisions;
        _newId = newId;
        _store = new ModeStore(incarnation);
        _requests = new ModeRequests(_store, view);
        _exchange = new ModeExchange(self, options, _store, decisions);
        _coordinator = new ModeCoordinator(self, options, _store, _requests, _exchange, decisions, Owners);
    }

    public ModesInForce InForce => _store.InForce;

    public ModeStore Store => _store;

    /// <summary>Requests without an answer yet.</summary>
    public int Open => _coordinator.Open;

    public bool IsReady => _exchange.IsReady;

    public ModeParticipant Participant => _coordinator.Participant;

    /// <summary>This node is a member: once it holds what the members it knows hold, it is ready. A node in no cluster says so at
    /// once.</summary>
    public void Join(TimeSpan now) => _exchange.Join(now);

    public void PeerUp(NodeId node, TimeSpan now) => _exchange.BeginReach(node, now);

    public void PeerLost(NodeId node, bool gone, TimeSpan now)
    {
        _exchange.EndReach(node, gone);
        _coordinator.PeerLost(node, now);
    }

    public void OwnerDied(string owner, TimeSpan now)
    {
        ModeEntry[] owned = [.. _store.Table.Entries.Where(entry => entry.Owner == owner && entry.End is null)];
        if (owned.Length > 0)
        {
            var end = new ModeEnd(_store.NextTime(), ModeEndReason.OwnerDied);
            Merge(owned.SelectMany(entry => Ends(entry, end)), now);
        }
    }

    /// <summary>Time has passed: leases end, bounds run out, comparisons are due.</summary>
    public void Tick(TimeSpan now)
    {
        if (_store.Advance(now))
        {
            _coordinator.Participant.Publish();
        }

        _coordinator.Tick(now);
        _exchange.Tick(now);
        Owners();
    }

    /// <summary>Takes a client's request; it gets one answer, now or when the GPUs and members concerned have answered or run out of
    /// time.</summary>
    public void Request(ModeRequest request, IReplyTo<ModeReply> asker, TimeSpan now)
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
        if (_requests.Change(request.Scope, request.Change) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        var entry = new ModeEntry(_store.NextStamp(), null, scope, request.Change, _self);
        _coordinator.Change(
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
        ModeRefusal? refusal =
            ModeValidation.Scope(request.Scope) ?? (_store.Table.HasBaseline(scope) ? null : _requests.Scope(request.Scope));
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
        ModeStamp stamp = _store.NextStamp();
        var unset = new ModeEntry(stamp, null, scope, named, _self, End: new ModeEnd(stamp.Time, ModeEndReason.Unset));
        _coordinator.Commit(
            [unset],
            scope,
            asker,
            operation => new ModeReply.Applied(Math.Min(stamp.Time, _store.InForce.Epoch), operation.Reached, [.. operation.NotReached]),
            now
        );
    }

    private void Enter(EnterMode request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        ModeScope scope = ModeScopes.Normalize(request.Scope);
        if ((_requests.Change(request.Scope, request.Change) ?? ModeValidation.Lease(request.Lease)) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        ModeStamp stamp = _store.NextStamp();
        var token = new ModeToken(_newId());
        var entry = new ModeEntry(stamp, token, scope, request.Change, _self, request.Owner, new ModeLease(stamp, request.Lease));
        _coordinator.Change(
            entry,
            asker,
            operation => new ModeReply.Entered(token, stamp.Time, operation.Reached, [.. operation.NotReached]),
            now
        );
    }

    private void Renew(RenewMode request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        (ModeEntry? entry, ModeRefusal? refusal) = _requests.Token(request.Token);
        refusal ??= ModeValidation.Lease(request.Lease);
        if (entry is null || refusal is not null)
        {
            Refuse(asker, refusal!);
            return;
        }

        ModeEntry renewed = entry with { Lease = new ModeLease(_store.NextStamp(), request.Lease) };
        _coordinator.Commit([renewed], renewed.Scope, asker, _ => new ModeReply.Renewed(request.Token, request.Lease), now);
    }

    private void Exit(ExitMode request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        (ModeEntry? entry, ModeRefusal? refusal) = _requests.Token(request.Token);
        if (entry is null)
        {
            Refuse(asker, refusal!);
            return;
        }

        long time = _store.NextTime();
        ModeEntry ended = ModeEntries.Ended(entry, new ModeEnd(time, ModeEndReason.Exited));
        _coordinator.Commit(
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

        ModeStamp stamp = _store.NextStamp();
        var session = new SessionId(_newId());
        var entry = new ModeEntry(
            stamp,
            null,
            new ModeScope(Session: session),
            ModeChange.None,
            _self,
            request.Owner,
            new ModeLease(stamp, request.Lease),
            IsSession: true
        );
        _coordinator.Commit([entry], entry.Scope, asker, _ => new ModeReply.SessionOpened(session, request.Lease, stamp.Time), now);
    }

    private void RenewSession(RenewSession request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        if ((_requests.Session(request.Session) ?? ModeValidation.Lease(request.Lease)) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        ModeEntry renewed = _store.Table.Find(request.Session)! with { Lease = new ModeLease(_store.NextStamp(), request.Lease) };
        _coordinator.Commit([renewed], renewed.Scope, asker, _ => new ModeReply.SessionRenewed(request.Session, request.Lease), now);
    }

    private void CloseSession(CloseSession request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        if (_requests.Session(request.Session) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        ModeEntry session = _store.Table.Find(request.Session)!;
        long time = _store.NextTime();
        _coordinator.Commit(
            [.. Ends(session, new ModeEnd(time, ModeEndReason.Exited))],
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

        HashSet<ModeStamp> hidden = [.. _store.Table.Hidden()];
        var unsets = ModeUnsets.Of(_store.Table.Entries);
        ModeEntrySnapshot[] entries =
        [
            .. _store
                .Table.Entries.Where(entry =>
                    _store.IsLive(entry) && !hidden.Contains(entry.Stamp) && ModeScopes.Overlap(entry.Scope, request.Scope)
                )
                .Select(entry => new ModeEntrySnapshot(
                    entry.Token,
                    entry.Scope,
                    unsets.Left(entry),
                    entry.Stamp.Time,
                    _store.Left(entry, now),
                    entry.Coordinator,
                    entry.IsSession
                )),
        ];
        _decisions.Add(new ModeDecision.Answer(asker, new ModeReply.Listing(entries, _store.InForce.Epoch)));
    }

    private void Get(GetAudit request, IReplyTo<ModeReply> asker)
    {
        if (ModeValidation.Scope(request.Scope) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        _decisions.Add(new ModeDecision.Answer(asker, new ModeReply.Audited(_audit.Read(ModeScopes.Normalize(request.Scope)))));
    }

    /// <summary>What holds here: told to metrics and to the router before whoever asked for a change is answered.</summary>
    public ModeCounts Publish()
    {
        _audit.UpdateFrom(_store.InForce);
        return _counts = _store.Count(_counts);
    }

    private void Explain(ExplainModes request, IReplyTo<ModeReply> asker, TimeSpan now)
    {
        ModeScope scope = ModeScopes.Normalize(request.Scope);
        if (_requests.Scope(request.Scope) is { } refusal)
        {
            Refuse(asker, refusal);
            return;
        }

        _coordinator.Explain(scope, asker, now);
    }

    public void Prepared(ModeChangePrepared answer, TimeSpan now) => _coordinator.Prepared(answer, now);

    public void Committed(ModeChangeCommitted answer, TimeSpan now) => _coordinator.Committed(answer, now);

    public void Prepare(PrepareModeChange prepare, TimeSpan now) => _coordinator.Participant.Prepare(prepare, now);

    public void Commit(CommitModeChange commit, TimeSpan now) => _coordinator.Participant.Commit(commit, now);

    public void Compare(CompareModes compare, TimeSpan now) => _exchange.Compare(compare, now);

    public void Page(ModePage page, TimeSpan now)
    {
        if (_exchange.Page(page, now))
        {
            _coordinator.Participant.Publish();
        }

        Owners();
    }

    /// <summary>A decision could not be applied: what it told is told once more. Who waits for an answer after that has a bound of its
    /// own.</summary>
    public void Failed(ModeDecision decision)
    {
        if (decision is ModeDecision.TellGpu { Request: ApplyGpuModes commit } told)
        {
            _coordinator.Participant.TellAgain(told.Gpu, commit.Change);
        }
        else
        {
            _decisions.TryRepeat(decision);
        }
    }

    /// <summary>Ends an entry and, where it is a session, everything entered for that session.</summary>
    private IEnumerable<ModeEntry> Ends(ModeEntry entry, ModeEnd end)
    {
        yield return ModeEntries.Ended(entry, end);
        if (entry.IsSession)
        {
            foreach (
                ModeEntry mode in _store.Table.Entries.Where(other =>
                    !other.IsSession && other.End is null && other.Scope.Session == entry.Scope.Session
                )
            )
            {
                yield return ModeEntries.Ended(mode, end with { Reason = ModeEndReason.SessionClosed });
            }
        }
    }

    private void Merge(IEnumerable<ModeEntry> entries, TimeSpan now)
    {
        if (_store.Merge([.. entries], now))
        {
            _coordinator.Participant.Publish();
        }

        Owners();
    }

    /// <summary>Every directory watches the owners of what is live.</summary>
    private void Owners()
    {
        HashSet<string> live =
        [
            .. _store.Table.Entries.Where(entry => entry.Owner is not null && _store.IsLive(entry)).Select(entry => entry.Owner!),
        ];
        foreach (string owner in _owners.Where(owner => !live.Contains(owner)).ToArray())
        {
            _owners.Remove(owner);
            _decisions.Add(new ModeDecision.Unwatch(owner));
        }

        foreach (string owner in live.Where(_owners.Add))
        {
            _decisions.Add(new ModeDecision.Watch(owner));
        }
    }

    private void Refuse(IReplyTo<ModeReply> asker, ModeRefusal refusal) =>
        _decisions.Add(new ModeDecision.Answer(asker, new ModeReply.Refused(refusal.Kind, refusal.Reason, [])));
}
