using Troupe.Actors.Counts;
using Troupe.Actors.Modes;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Tests.Modes;

/// <summary>What one directory holds: stamps rise, leases end by its own clock, and two directories that hold the same agree on a
/// number.</summary>
public sealed class ModeStoreTests
{
    private static readonly NodeId Node = new("a:1");

    private readonly ModeStore _store = new(new NodeIncarnation(1));

    [Fact]
    public void A_stamp_comes_after_everything_heard_of()
    {
        ModeStamp first = _store.NextStamp();
        ModeEntry far = Baseline(new ModeStamp(first.Time + 100, new NodeIncarnation(2), 1));
        _store.Merge([far], TimeSpan.Zero);
        Assert.True(_store.NextStamp() > far.Stamp);
    }

    [Fact]
    public void A_baseline_holds_and_one_merged_again_changes_nothing()
    {
        ModeEntry entry = Baseline(_store.NextStamp());
        Assert.True(_store.Merge([entry], TimeSpan.Zero));
        Assert.False(_store.Merge([entry], TimeSpan.Zero));
        Assert.True(_store.IsLive(entry));
        Assert.Null(_store.Left(entry, TimeSpan.Zero));
        Assert.Equal(1, _store.Count(ModeCounts.None).Cluster);
    }

    [Fact]
    public void A_lease_ends_when_its_time_is_up_and_not_before()
    {
        ModeEntry entry = Baseline(_store.NextStamp()) with
        {
            Token = new ModeToken(Guid.NewGuid()),
            Lease = new ModeLease(_store.NextStamp(), TimeSpan.FromSeconds(10)),
        };
        Assert.True(_store.Merge([entry], TimeSpan.FromSeconds(100)));
        Assert.False(_store.Advance(TimeSpan.FromSeconds(109)));
        Assert.True(_store.IsLive(entry));
        Assert.True(_store.Advance(TimeSpan.FromSeconds(110)));
        Assert.False(_store.IsLive(entry));
    }

    [Fact]
    public void Two_directories_agree_when_the_same_is_live_in_both()
    {
        ModeStore other = new(new NodeIncarnation(2));
        Assert.Equal(_store.Digest(), other.Digest());
        ModeEntry[] entries = [Baseline(_store.NextStamp()), Baseline(_store.NextStamp(), new ModeScope(Model: new ModelReference("m")))];
        _store.Merge(entries, TimeSpan.Zero);
        Assert.NotEqual(_store.Digest(), other.Digest());
        other.Merge(entries.Reverse(), TimeSpan.Zero);
        Assert.Equal(_store.Digest(), other.Digest());
    }

    private static ModeEntry Baseline(ModeStamp stamp, ModeScope? scope = null) =>
        new(stamp, Token: null, scope ?? ModeScope.Cluster, new ModeChange { PreAllocatedOutputs = true }, Node);
}
