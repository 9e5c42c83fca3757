using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Modes;

/// <summary>What a GPU is asked and told about modes, beyond the fold itself.</summary>
public sealed class ModesForGpuTests
{
    private static readonly GpuId Gpu = new(new NodeId("a:1"), 0);
    private static readonly ModelVersion Model = new("m", 1, default);
    private static readonly SessionId Session = new(Guid.NewGuid());
    private static readonly ModeEntry Open = Entry(1, new ModeScope(Session: Session), ModeChange.None) with { IsSession = true };

    [Fact]
    public void A_wide_change_that_contradicts_what_an_open_session_has_set_meets_an_objection()
    {
        ModeEntry graphs = Entry(2, new ModeScope(Session: Session), new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment });
        ModeEntry allocator = Entry(3, ModeScope.Cluster, new ModeChange { OutputAllocator = true });
        ModeRefusal refusal = Assert.Single(Objections([Open, graphs, allocator], allocator));
        Assert.Equal((FailureKind.ModeConflict, ModeConflicts.AllocatorWithGraphs), (refusal.Kind, refusal.Reason));
        Assert.Empty(Objections([graphs, allocator], allocator));
    }

    [Fact]
    public void What_contradicted_before_is_no_objection_to_another_change()
    {
        ModeEntry graphs = Entry(2, new ModeScope(Session: Session), new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment });
        ModeEntry allocator = Entry(3, ModeScope.Cluster, new ModeChange { OutputAllocator = true });
        ModeEntry safe = Entry(4, ModeScope.Cluster, new ModeChange { MultiDeviceSafe = true });
        Assert.Empty(Objections([Open, graphs, allocator, safe], safe));
    }

    private static IReadOnlyList<ModeRefusal> Objections(ModeEntry[] entries, ModeEntry candidate) =>
        new ModesForGpu(ModesInForce.Of(entries, _ => true, 9), candidate.Stamp).Objections(Gpu, Model, ModuleTraits.Plain, null);

    private static ModeEntry Entry(long time, ModeScope scope, ModeChange change) =>
        new(new ModeStamp(time, default, 0), new ModeToken(Guid.NewGuid()), scope, change, new NodeId("a:1"));
}
