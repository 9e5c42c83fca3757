using CsCheck;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Messages.Tests.Modes;

/// <summary>All nodes agree on one order of baselines and entries: by time, then node, then counter.</summary>
public sealed class ModeStampTests
{
    private static readonly Gen<ModeStamp> Stamps = Gen.Select(
        Gen.Long[0, 3],
        Gen.ULong[1, 3],
        Gen.Long[0, 3],
        (time, node, counter) => new ModeStamp(time, new NodeIncarnation(node), counter)
    );

    [Fact]
    public void The_order_is_total() =>
        Gen.Select(Stamps, Stamps, Stamps)
            .Sample(
                (one, two, three) =>
                {
                    Assert.Equal(one == two, one.CompareTo(two) == 0);
                    Assert.Equal(Math.Sign(one.CompareTo(two)), -Math.Sign(two.CompareTo(one)));
                    Assert.True(!(one <= two && two <= three) || one <= three);
                    Assert.Equal(one < two, !(one >= two));
                    Assert.Equal(one > two, !(one <= two));
                }
            );

    [Fact]
    public void Time_comes_before_node_and_node_before_counter()
    {
        Assert.True(new ModeStamp(1, new NodeIncarnation(9), 9) < new ModeStamp(2, new NodeIncarnation(1), 1));
        Assert.True(new ModeStamp(1, new NodeIncarnation(1), 9) < new ModeStamp(1, new NodeIncarnation(2), 1));
        Assert.True(new ModeStamp(1, new NodeIncarnation(1), 1) < new ModeStamp(1, new NodeIncarnation(1), 2));
    }
}
