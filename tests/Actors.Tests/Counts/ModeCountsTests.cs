using Troupe.Actors.Counts;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Tests.Counts;

/// <summary>What holds is counted by the width of its scope, and a node that has told nothing counts nothing.</summary>
public sealed class ModeCountsTests
{
    private static readonly NodeId Node = new("a:1");
    private static readonly GpuId Gpu = new(Node, 0);
    private static readonly ModelReference Model = new("m");
    private static readonly SessionId Session = new(Guid.Empty);

    public static TheoryData<ModeScope, ModeCounts> Scopes() =>
        new()
        {
            { ModeScope.Cluster, ModeCounts.None with { Cluster = 1 } },
            { new ModeScope(Node: Node), ModeCounts.None with { Node = 1 } },
            { new ModeScope(Gpu: Gpu), ModeCounts.None with { Gpu = 1 } },
            { new ModeScope(Model: Model), ModeCounts.None with { Model = 1 } },
            { new ModeScope(Gpu: Gpu, Model: Model), ModeCounts.None with { ModelOnGpu = 1 } },
            { new ModeScope(Node: Node, Model: Model), ModeCounts.None with { ModelOnGpu = 1 } },
            { new ModeScope(Model: Model, Session: Session), ModeCounts.None with { Session = 1 } },
        };

    [Theory, MemberData(nameof(Scopes))]
    public void An_entry_counts_where_it_holds(ModeScope scope, ModeCounts expected) =>
        Assert.Equal(expected, ModeCounts.None.With(Entry(scope)));

    [Fact]
    public void A_session_counts_as_open_and_not_as_a_mode() =>
        Assert.Equal(
            ModeCounts.None with
            {
                OpenSessions = 1,
            },
            ModeCounts.None.With(Entry(new ModeScope(Session: Session)) with { IsSession = true })
        );

    [Fact]
    public void A_node_shows_what_its_directory_counted_last()
    {
        LocalCounts counts = new();
        Assert.Empty(counts.Instances);
        Assert.Equal(ModeCounts.None, counts.Modes);
        counts.Modes = ModeCounts.None with { Epoch = 3, Cluster = 1 };
        Assert.Equal((3, 1), (counts.Modes.Epoch, counts.Modes.Cluster));
    }

    private static ModeEntry Entry(ModeScope scope) =>
        new(new ModeStamp(1, new NodeIncarnation(1), 1), Token: null, scope, ModeChange.None, Node);
}
