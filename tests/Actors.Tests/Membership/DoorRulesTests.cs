using Troupe.Actors.Membership;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Tests.Membership;

public sealed class DoorRulesTests
{
    private const long Far = long.MaxValue;

    private static readonly NodeId A = new("a:1");
    private static readonly NodeId B = new("b:1");
    private static readonly DateTimeOffset Now = new(2026, 11, 28, 0, 0, 0, TimeSpan.Zero);
    private static readonly NodeIncarnation Life = new(7);

    private static readonly ModeEntry Entry = new(
        new ModeStamp(5, Life, 1),
        null,
        ModeScope.Cluster,
        new ModeChange { PreAllocatedOutputs = true },
        A
    );

    /// <summary>Every message that says who it is from.</summary>
    public static TheoryData<object> Said() =>
        [
            new PrepareModeChange(1, A, 5, Entry, ModeScope.Cluster, TimeSpan.Zero),
            new ModeChangePrepared(1, A, 5, []),
            new CommitModeChange(1, A, 5, [Entry], TimeSpan.Zero),
            new ModeChangeCommitted(1, A, 5, [], [], []),
            new CompareModes(1, A, 5, 0),
            new ModePage(1, A, 5, 0, 1, [Entry]),
            new NodeSnapshot(A, Life, 1, false, [], [], ""),
            new ResidencyPage(A, Life, 1, 0, 1, []),
            new AskResidency(A),
            new AskModels(default, A, null, new UnloadModel("m")),
            new AskConfiguration(default, A, new ModelVersion("m", 1, default), 0),
        ];

    /// <summary>Lamport times in every place where one travels.</summary>
    public static TheoryData<object> FromTheFuture() =>
        [
            new PrepareModeChange(1, A, Far, Entry, ModeScope.Cluster, TimeSpan.Zero),
            new PrepareModeChange(1, A, 5, Stamped(Far), ModeScope.Cluster, TimeSpan.Zero),
            new ModeChangePrepared(1, A, Far, []),
            new CommitModeChange(1, A, Far, [], TimeSpan.Zero),
            new CommitModeChange(1, A, 5, [Entry, Stamped(Far)], TimeSpan.Zero),
            new CommitModeChange(1, A, 5, [Entry with { End = new ModeEnd(Far, ModeEndReason.Exited) }], TimeSpan.Zero),
            new ModeChangeCommitted(1, A, Far, [], [], []),
            new CompareModes(1, A, Far, 0),
            new ModePage(1, A, Far, 0, 1, []),
            new ModePage(1, A, 5, 0, 1, [Entry with { Lease = new ModeLease(new ModeStamp(Far, Life, 1), TimeSpan.Zero) }]),
        ];

    [Theory]
    [MemberData(nameof(Said), DisableDiscoveryEnumeration = true)]
    public void A_member_speaks_for_itself_alone(object message)
    {
        Assert.Null(DoorRules.WhyNot(message, true, A, true, Now));
        Assert.Equal(ForeignReason.OtherNode, DoorRules.WhyNot(message, true, B, true, Now));
        Assert.Equal(ForeignReason.NoMember, DoorRules.WhyNot(message, true, A, false, Now));
        Assert.Equal(ForeignReason.NotTaken, DoorRules.WhyNot(message, false, A, true, Now));
    }

    [Theory]
    [MemberData(nameof(FromTheFuture), DisableDiscoveryEnumeration = true)]
    public void A_Lamport_time_near_its_end_does_not_come_in_wherever_it_stands(object message) =>
        Assert.Equal(ForeignReason.BeyondTime, DoorRules.WhyNot(message, true, A, true, Now));

    [Fact]
    public void A_time_that_was_driven_to_the_bound_is_within_it_a_moment_and_a_million_events_later()
    {
        long bound = DoorRules.LatestTime(Now);
        Assert.InRange(bound, 1L << 47, 1L << 48);
        Assert.Null(DoorRules.WhyNot(new CompareModes(1, A, bound, 0), true, A, true, Now));
        Assert.Equal(ForeignReason.BeyondTime, DoorRules.WhyNot(new CompareModes(1, A, bound + 1, 0), true, A, true, Now));
        Assert.Null(DoorRules.WhyNot(new CompareModes(1, A, bound + 1_000_000, 0), true, A, true, Now.AddSeconds(1)));
    }

    [Fact]
    public void A_clock_that_stands_in_the_past_leaves_room_for_twelve_days_of_events() =>
        Assert.Equal(1L << 40, DoorRules.LatestTime(DateTimeOffset.UnixEpoch));

    private static ModeEntry Stamped(long time) => Entry with { Stamp = new ModeStamp(time, Life, 1) };
}
