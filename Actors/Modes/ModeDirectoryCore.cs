using Troupe.Actors.Counts;
using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;
using ClusterView = Troupe.Actors.Membership.ClusterView;

namespace Troupe.Actors.Modes;

/// <summary>The decisions of a mode directory: coordinates changes of its clients, takes part in those of others, and keeps its copy of the
/// modes like theirs.</summary>
/// <remarks>
/// Knows no Akka. Three conversations: requests (<see cref="ModeRequestHandler"/>) are coordinated as <see cref="ModeOperation"/>s
/// (prepare, commit, perhaps compensate), the node's GPUs are asked in <see cref="GpuRound"/>s, <see cref="ModeExchange"/> makes all
/// members hold the same. What is decided is appended to the queue that the constructor was given.
/// A member that dies or becomes unreachable is no refusal: it is outside the scope, named in <c>notReached</c>, and catches up before it
/// takes work.
/// </remarks>
internal sealed class ModeDirectoryCore
{
    private readonly DecisionQueue<ModeDecision, IModeShell> _decisions;
    private readonly ModeStore _store;
    private readonly ModeOwners _owners;
    private readonly ModeExchange _exchange;
    private readonly ModeCoordinator _coordinator;
    private readonly ModeRequestHandler _requests;
    private readonly AuditLedger _audit;
    private readonly VersionRules? _versions;
    private ModeCounts _counts = ModeCounts.None;

    /// <param name="newId">Makes tokens and session ids: unguessable in service, repeatable in tests.</param>
    public ModeDirectoryCore(
        NodeId self,
        NodeIncarnation incarnation,
        ModeDirectoryOptions options,
        Func<ClusterView> view,
        Func<Guid> newId,
        DecisionQueue<ModeDecision, IModeShell> decisions,
        AuditLedger? audit = null,
        VersionRules? versions = null
    )
    {
        _audit = audit ?? new AuditLedger();
        _versions = versions;
        _decisions = decisions;
        _store = new ModeStore(incarnation);
        _owners = new ModeOwners(_store, decisions);
        _exchange = new ModeExchange(self, options, _store, decisions);
        var checks = new ModeRequestCheck(_store, view);
        _coordinator = new ModeCoordinator(self, options, _store, checks, _exchange, decisions, _owners.Update);
        _requests = new ModeRequestHandler(self, _store, checks, _coordinator, _audit, newId, decisions);
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
            Merge(owned.SelectMany(entry => _store.Ends(entry, end)), now);
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
        _owners.Update();
    }

    /// <summary>Takes a client's request; it gets one answer, now or when the GPUs and members concerned have answered or run out of
    /// time.</summary>
    public void Request(ModeRequest request, IReplyTo<ModeReply> asker, TimeSpan now) => _requests.Handle(request, asker, now);

    /// <summary>What holds here: told to metrics and to the router before whoever asked for a change is answered.</summary>
    public ModeCounts Publish()
    {
        _audit.UpdateFrom(_store.InForce);
        _versions?.UpdateFrom(_store.InForce);
        return _counts = _store.Count(_counts);
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

        _owners.Update();
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

    private void Merge(IEnumerable<ModeEntry> entries, TimeSpan now)
    {
        if (_store.Merge([.. entries], now))
        {
            _coordinator.Participant.Publish();
        }

        _owners.Update();
    }
}
