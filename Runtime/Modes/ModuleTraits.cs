using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>What of a module decides whether a mode can hold for it: the only facts about engines that modes look at.</summary>
/// <remarks>Immutable, so that it may be handed from the executor that owns the instance to the actor that admits forwards for
/// it.</remarks>
public sealed record ModuleTraits
{
    /// <summary>A module of plain engine segments without any special ability or need.</summary>
    public static ModuleTraits Plain { get; } = new();

    /// <summary>Has <c>_run_on_gpu_N</c> segments, so that <see cref="CudaGraphsMode.Auto"/> means the whole module.</summary>
    public bool HasFallbackSegments { get; init; }

    /// <summary>Every segment may be recorded into a CUDA graph.</summary>
    public bool CudaGraphs { get; init; } = true;

    /// <summary>Why the whole module cannot be recorded at once (data-dependent shapes, shape values made inside, host segments on a real
    /// device); null when it can.</summary>
    public string? WholeCaptureObstacle { get; init; }

    /// <summary>The back end takes an output allocator for its outputs.</summary>
    public bool OutputAllocator { get; init; } = true;

    /// <summary>Some engine runs only with an output allocator (torch_tensorrt: <c>requires_output_allocator</c>).</summary>
    public bool RequiresOutputAllocator { get; init; }

    /// <summary>First output that shares its memory with an input; null when none does.</summary>
    public string? AliasedOutput { get; init; }

    /// <summary>Optimization profiles every engine that has any agrees on; 1 where there is nothing to choose.</summary>
    public int ProfileCount { get; init; } = 1;

    /// <summary>Weights that may stay on the host, summed over the engines; 0 where none may.</summary>
    public long StreamableWeightBytes { get; init; }

    /// <summary>Scratch memory can be allocated per call.</summary>
    public bool DynamicWorkspace { get; init; } = true;

    /// <summary>Where its scratch memory is until something sets the workspace: some engine was compiled to allocate it per call
    /// (torch_tensorrt: <c>resource_allocation_strategy</c>).</summary>
    public WorkspaceStrategy BuiltWorkspace { get; init; }

    /// <summary>The back end is TensorRT-RTX or behaves like it.</summary>
    public bool RuntimeSettings { get; init; }

    /// <summary>The back end reports layer times.</summary>
    public bool Profiling { get; init; }

    /// <summary>What a graphs setting comes to for this module: <see cref="CudaGraphsMode.Auto"/> resolved, the others as they
    /// are.</summary>
    public CudaGraphsMode Graphs(CudaGraphsMode mode) =>
        mode switch
        {
            CudaGraphsMode.Auto => HasFallbackSegments && WholeCaptureObstacle is null
                ? CudaGraphsMode.WholeModule
                : CudaGraphsMode.PerSegment,
            CudaGraphsMode.Off => CudaGraphsMode.Off,
            CudaGraphsMode.PerSegment => CudaGraphsMode.PerSegment,
            CudaGraphsMode.WholeModule => CudaGraphsMode.WholeModule,
        };
}
