using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>Which of the resources that modes make an instance keeps, because some live baseline, entry or session asks for them; the
/// others are released.</summary>
/// <remarks>A union over everything live and therefore no single <see cref="ModeSettings"/>: one session may want graphs per segment while
/// the baseline wants the whole module.</remarks>
/// <param name="SegmentGraphs">Recordings of single segments.</param>
/// <param name="ModuleGraphs">Recordings of the whole module.</param>
/// <param name="PreAllocatedOutputs">Sets of pre-allocated outputs.</param>
/// <param name="OutputAllocator">Buffers an output allocator keeps for the next call.</param>
public readonly record struct HeldModes(bool SegmentGraphs, bool ModuleGraphs, bool PreAllocatedOutputs, bool OutputAllocator)
{
    /// <summary>What one set of settings holds on a module.</summary>
    public static HeldModes Of(ModeSettings settings, ModuleTraits traits)
    {
        CudaGraphsMode graphs = traits.Graphs(settings.CudaGraphs);
        return new HeldModes(
            graphs == CudaGraphsMode.PerSegment,
            graphs == CudaGraphsMode.WholeModule,
            settings.PreAllocatedOutputs,
            settings.OutputAllocator
        );
    }

    public HeldModes Or(HeldModes other) =>
        new(
            SegmentGraphs || other.SegmentGraphs,
            ModuleGraphs || other.ModuleGraphs,
            PreAllocatedOutputs || other.PreAllocatedOutputs,
            OutputAllocator || other.OutputAllocator
        );
}
