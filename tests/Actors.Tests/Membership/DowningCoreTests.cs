using Troupe.Actors.Membership;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Tests.Membership;

public sealed class DowningCoreTests
{
    [Theory]
    [InlineData("a b", "", "Wait")]
    [InlineData("a b", "b", "DownUnreachable")]
    [InlineData("a b", "a", "DownUnreachable")]
    [InlineData("a", "b", "DownUnreachable")]
    [InlineData("a b c", "c", "DownUnreachable")]
    [InlineData("a b c", "b c", "DownReachable")]
    [InlineData("a b c d", "c d", "DownUnreachable")]
    [InlineData("a b c d", "a b", "DownReachable")]
    [InlineData("a b c d e", "a b", "DownUnreachable")]
    [InlineData("a b c d e", "a b c", "DownReachable")]
    [InlineData("a b c", "x", "DownUnreachable")]
    public void The_side_that_goes_on(string routers, string unreachable, string expected) =>
        Assert.Equal(Enum.Parse<DowningVerdict>(expected), new DowningCore(3).Decide(Nodes(routers), Nodes(unreachable)));

    [Fact]
    public void From_three_nodes_on_never_two_sides_go_on_and_never_none()
    {
        NodeId[] all = Nodes("a b c d e f");
        for (int count = 3; count <= all.Length; count++)
        {
            for (int split = 1; split < (1 << count) - 1; split++)
            {
                NodeId[] left = [.. all.Take(count).Where((_, i) => (split >> i & 1) == 0)];
                NodeId[] right = [.. all.Take(count).Where((_, i) => (split >> i & 1) == 1)];
                DowningVerdict leftSays = new DowningCore(3).Decide(all[..count], right);
                DowningVerdict rightSays = new DowningCore(3).Decide(all[..count], left);
                Assert.NotEqual(leftSays, rightSays);
            }
        }
    }

    private static NodeId[] Nodes(string names) =>
        [.. names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => new NodeId(name))];
}
