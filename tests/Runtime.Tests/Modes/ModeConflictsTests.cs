using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Modes;

/// <summary>The compatibility table, row by row, with torch_tensorrt's texts where it has some.</summary>
public class ModeConflictsTests
{
    private static readonly ModuleTraits Plain = ModuleTraits.Plain;
    private static readonly ModeSettings Default = ModeSettings.Default;

    public static TheoryData<string, ModeSettings, ModuleTraits, FailureKind, string> Refused { get; } =
        new()
        {
            {
                "graphs per segment + required allocator",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.PerSegment,
                },
                Plain with
                {
                    RequiresOutputAllocator = true,
                },
                FailureKind.ModeConflict,
                "The model contains submodules that require a dynamic output allocator at runtime, which is incompatible with CUDA Graphs. Please disable CUDA Graphs."
            },
            {
                "whole graph + required allocator",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.WholeModule,
                },
                Plain with
                {
                    RequiresOutputAllocator = true,
                },
                FailureKind.ModeConflict,
                ModeConflicts.RequiredAllocatorWithGraphs
            },
            {
                "graphs + user allocator + required",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.Auto,
                    OutputAllocator = true,
                },
                Plain with
                {
                    RequiresOutputAllocator = true,
                },
                FailureKind.ModeConflict,
                ModeConflicts.RequiredAllocatorWithGraphs
            },
            {
                "graphs per segment + user allocator",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.PerSegment,
                    OutputAllocator = true,
                },
                Plain,
                FailureKind.ModeConflict,
                "Both CUDA Graphs and dynamic output allocation are enabled, which are incompatible runtime modes. Please disable one of the two."
            },
            {
                "whole graph + user allocator",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.WholeModule,
                    OutputAllocator = true,
                },
                Plain,
                FailureKind.ModeConflict,
                ModeConflicts.AllocatorWithGraphs
            },
            {
                "aliased + user allocator",
                Default with
                {
                    OutputAllocator = true,
                },
                Plain with
                {
                    AliasedOutput = "cache_out",
                },
                FailureKind.ModeConflict,
                "Aliased output cache_out is incompatible with dynamic output allocator. Aliasing requires fixed output shape."
            },
            {
                "graphs, not recordable",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.Auto,
                },
                Plain with
                {
                    CudaGraphs = false,
                },
                FailureKind.NotSupported,
                "cannot record"
            },
            {
                "whole graph, not capturable",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.WholeModule,
                },
                Plain with
                {
                    WholeCaptureObstacle = "output y depends on data",
                },
                FailureKind.NotSupported,
                "output y depends on data"
            },
            {
                "allocator, not taken",
                Default with
                {
                    OutputAllocator = true,
                },
                Plain with
                {
                    OutputAllocator = false,
                },
                FailureKind.NotSupported,
                "no output allocator"
            },
            {
                "profile out of range",
                Default with
                {
                    Profile = ProfileChoice.Pinned(2),
                },
                Plain with
                {
                    ProfileCount = 2,
                },
                FailureKind.InvalidRequest,
                "Optimization profile index 2 out of range [0, 2)"
            },
            {
                "budget, nothing streamable",
                Default with
                {
                    WeightBudget = WeightBudget.OfBytes(1),
                },
                Plain,
                FailureKind.NotSupported,
                "Streamable bytes are zero. Was module complied with enable_weight_streaming=True option?"
            },
            {
                "dynamic workspace, not possible",
                Default with
                {
                    Workspace = WorkspaceStrategy.Dynamic,
                },
                Plain with
                {
                    DynamicWorkspace = false,
                },
                FailureKind.NotSupported,
                "workspace"
            },
            {
                "runtime settings elsewhere than RTX",
                Default with
                {
                    RuntimeSettings = new(KernelSpecialization.Eager),
                },
                Plain,
                FailureKind.NotSupported,
                "TRT-RTX-only"
            },
            {
                "profiling, no layer times",
                Default with
                {
                    Profiling = ProfilingFormat.Trex,
                },
                Plain,
                FailureKind.NotSupported,
                "layer times"
            },
        };

    public static TheoryData<string, ModeSettings, ModuleTraits> Fine { get; } =
        new()
        {
            { "defaults", Default, Plain },
            { "required allocator without graphs", Default, Plain with { RequiresOutputAllocator = true, OutputAllocator = false } },
            {
                "pre-allocated + allocator: the allocator supplies",
                Default with
                {
                    PreAllocatedOutputs = true,
                    OutputAllocator = true,
                },
                Plain
            },
            { "pre-allocated + graphs", Default with { PreAllocatedOutputs = true, CudaGraphs = CudaGraphsMode.PerSegment }, Plain },
            { "aliased + pre-allocated: made fresh", Default with { PreAllocatedOutputs = true }, Plain with { AliasedOutput = "o" } },
            { "aliased + graphs", Default with { CudaGraphs = CudaGraphsMode.Auto }, Plain with { AliasedOutput = "o" } },
            {
                "budget + graphs",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.Auto,
                    WeightBudget = WeightBudget.OfFraction(0.5),
                },
                Plain with
                {
                    StreamableWeightBytes = 10,
                }
            },
            {
                "dynamic workspace + graphs",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.PerSegment,
                    Workspace = WorkspaceStrategy.Dynamic,
                },
                Plain
            },
            {
                "profile + graphs",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.PerSegment,
                    Profile = ProfileChoice.Auto,
                },
                Plain with
                {
                    ProfileCount = 2,
                }
            },
            {
                "profiling + graphs",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.PerSegment,
                    Profiling = ProfilingFormat.Perfetto,
                },
                Plain with
                {
                    Profiling = true,
                }
            },
            {
                "automatic choice where the whole cannot be captured",
                Default with
                {
                    CudaGraphs = CudaGraphsMode.Auto,
                },
                Plain with
                {
                    HasFallbackSegments = true,
                    WholeCaptureObstacle = "shapes",
                }
            },
        };

    [Theory, MemberData(nameof(Refused)), Trait("row", "CG-19"), Trait("row", "OA-05"), Trait("row", "OA-06"), Trait("row", "WG-08")]
    public void A_pair_that_cannot_be_is_refused_in_the_seeds_words(
        string row,
        ModeSettings settings,
        ModuleTraits traits,
        FailureKind kind,
        string text
    )
    {
        ModeRefusal? refusal = ModeConflicts.Find(settings, traits);
        Assert.True(refusal is not null, row);
        Assert.Equal(kind, refusal.Kind);
        Assert.Contains(text, refusal.Reason, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Fine)), Trait("row", "PA-11")]
    public void What_goes_together_is_not_refused(string row, ModeSettings settings, ModuleTraits traits) =>
        Assert.True(ModeConflicts.Find(settings, traits) is null, row);

    [Fact]
    public void Every_setting_has_its_field_in_its_place()
    {
        Assert.Equal(Enumerable.Range(0, ModeField.All.Count), ModeField.All.Select(field => field.Index));
        Assert.All(ModeField.All, field => Assert.True(field.IsSet(ModeField.ChangeTo(Default))));
        Assert.All(ModeField.All, field => Assert.Equal(Default, field.Reset(Default)));
    }
}
