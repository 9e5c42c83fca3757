using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Actors.Tests.Decisions;
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
        Assert.Equal(Enum.Parse<DowningVerdict>(expected), Decide(Nodes(routers), Nodes(unreachable)));

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
                DowningVerdict leftSays = Decide(all[..count], right);
                DowningVerdict rightSays = Decide(all[..count], left);
                Assert.NotEqual(leftSays, rightSays);
            }
        }
    }

    [Fact]
    public void The_other_side_is_declared_down_and_one_that_fails_once_keeps_no_other_from_it()
    {
        var decisions = new DecisionQueue<DownMember, IDowningShell>();
        var core = new DowningCore(3, decisions);
        var shell = new Shell(core);
        core.Decide(Nodes("a b c d e x"), Nodes("a b c d e"), Nodes("a b x"));
        decisions.ApplyTo(shell);
        Assert.Equal(["b", "x", "a"], shell.Downed.Select(node => node.Address));
        core.Decide(Nodes("a b c x"), Nodes("a b c"), Nodes("b c x"));
        decisions.ApplyTo(shell);
        Assert.Equal(["b", "x", "a", "a"], shell.Downed.Select(node => node.Address));
    }

    private static DowningVerdict Decide(NodeId[] routers, NodeId[] unreachable) =>
        new DowningCore(3, new DecisionQueue<DownMember, IDowningShell>()).Decide(routers, routers, unreachable);

    /// <summary>The first that is to be declared down throws once.</summary>
    private sealed class Shell(DowningCore core) : IDowningShell
    {
        private readonly Plant _plant = new() { At = 0 };

        public List<NodeId> Downed { get; } = [];

        public void Down(NodeId member)
        {
            _plant.Pass();
            Downed.Add(member);
        }

        public void Failed(in DownMember decision, Exception cause) => core.Failed(decision);
    }

    private static NodeId[] Nodes(string names) =>
        [.. names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => new NodeId(name))];
}
