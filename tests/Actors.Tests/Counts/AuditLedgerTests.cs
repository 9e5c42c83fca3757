using Troupe.Actors.Counts;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Counts;

public sealed class AuditLedgerTests
{
    private static readonly ModelReference Model = new("m", 1);
    private static readonly ModeScope OnModel = new(Model: new ModelReference("m"));
    private static readonly SessionId Session = new(Guid.Parse("00000000-0000-0000-0000-000000000001"));

    private readonly AuditLedger _ledger = new();
    private long _time;

    [Fact]
    public void A_forward_is_counted_for_the_scope_that_makes_the_mode_hold()
    {
        Hold(
            On(ModeScope.Cluster),
            On(OnModel),
            Off(new ModeScope(Model: new ModelReference("quiet"))),
            On(new ModeScope(Session: Session))
        );
        _ledger.Find(Forward(), Model)!.Accept();
        _ledger.Find(Forward(), new ModelReference("other", 1))!.Accept();
        _ledger.Find(Forward(session: Session), Model)!.Accept();
        _ledger.Find(Forward(session: new SessionId(Guid.Empty)), Model)!.Accept();
        Assert.Null(_ledger.Find(Forward(), new ModelReference("quiet", 3)));
        Assert.Null(_ledger.Find(Forward(audit: false), Model));
        _ledger.Find(Forward(audit: true), new ModelReference("quiet", 3))!.Accept();

        Assert.Equal(
            [("cluster", 1L), ("model m", 2L), ($"session {Session}", 1L), ("call", 1L)],
            _ledger
                .Read(ModeScope.Cluster)
                .Select(row => (row.Scope is null ? "call" : ModeScopes.Text(row.Scope), row.Tally.Accepted))
                .OrderBy(row => row.Item1 == "call")
                .ThenBy(row => row.Item1)
        );
        Assert.Equal([1L, 2L, 1L, 1L], _ledger.ReadKinds().Select(kind => kind.Value.Accepted));
    }

    [Fact]
    public void Without_the_mode_nothing_is_looked_up()
    {
        Assert.False(_ledger.IsAsked(Forward()));
        Hold(On(OnModel));
        Assert.True(_ledger.IsAsked(Forward()));
        Hold();
        Assert.False(_ledger.IsAsked(Forward()));
        Assert.True(_ledger.IsAsked(Forward(audit: true)));
    }

    [Fact]
    public void Counts_outlive_the_mode_and_go_on_when_it_holds_again()
    {
        Hold(On(OnModel));
        _ledger.Find(Forward(), Model)!.Accept();
        Hold();
        Assert.Null(_ledger.Find(Forward(), Model));
        Assert.Equal(1, Assert.Single(_ledger.Read(OnModel)).Tally.Accepted);
        Hold(On(OnModel));
        _ledger.Find(Forward(), Model)!.Accept();
        Assert.Equal(2, Assert.Single(_ledger.Read(OnModel)).Tally.Accepted);
    }

    [Fact]
    public void Of_too_many_scopes_those_go_that_ended_first_and_their_sum_stays()
    {
        for (int i = 0; i < AuditLedger.MaximumScopes + 50; i++)
        {
            Hold(On(OnModel), On(new ModeScope(Session: new SessionId(new Guid(i + 1, 0, 0, new byte[8])))));
            _ledger.Find(Forward(session: new SessionId(new Guid(i + 1, 0, 0, new byte[8]))), Model)!.Accept();
            _ledger.Find(Forward(), Model)!.Accept();
        }

        AuditRow[] rows = _ledger.Read(ModeScope.Cluster);
        Assert.Equal(AuditLedger.MaximumScopes, rows.Length);
        Assert.Equal(AuditLedger.MaximumScopes + 50, rows.Single(row => row.Scope == OnModel).Tally.Accepted);
        Assert.Equal(AuditLedger.MaximumScopes + 50, _ledger.ReadKinds().Single(kind => kind.Key == "session").Value.Accepted);
    }

    [Fact]
    public void A_failure_of_an_unknown_kind_is_counted_too()
    {
        Hold(On(ModeScope.Cluster));
        AuditCounts counts = _ledger.Find(Forward(), Model)!;
        counts.Answer(new ForwardReply.Failed(default, FailureKind.QueueFull, ""));
        counts.Answer(new ForwardReply.Failed(default, (FailureKind)99, ""));
        Assert.Equal(
            [new FailureTally(FailureKind.QueueFull, 1), new FailureTally(FailureKind.Internal, 1)],
            Assert.Single(_ledger.Read(ModeScope.Cluster)).Tally.Failed
        );
    }

    private static Forward Forward(SessionId? session = null, bool? audit = null) =>
        new()
        {
            Id = default,
            Model = Model,
            Inputs = [],
            Session = session,
            Modes = audit is null ? null : new ModeChange { Audit = audit },
        };

    private void Hold(params ModeEntry[] entries)
    {
        // A session is there while something is entered for it.
        IEnumerable<ModeEntry> sessions = entries
            .Where(entry => entry.Scope.Session is not null)
            .Select(entry => entry with { Stamp = Stamp(), Change = ModeChange.None, IsSession = true });
        _ledger.UpdateFrom(ModesInForce.Of([.. entries, .. sessions], _ => true, ++_time));
    }

    private ModeEntry On(ModeScope scope) => Entry(scope, true);

    private ModeEntry Off(ModeScope scope) => Entry(scope, false);

    private ModeEntry Entry(ModeScope scope, bool audit) => new(Stamp(), null, scope, new ModeChange { Audit = audit }, new NodeId("a:1"));

    private ModeStamp Stamp() => new(++_time, default, 0);
}
