namespace Troupe.Runtime.Engines;

/// <summary>What an engine can do on its device beyond what its facets say; a mode that needs more is refused with <c>NotSupported</c>,
/// never ignored.</summary>
/// <remarks>Profiles, aliases, shape tensors, streamed weights and runtime settings have no flag: the engine's own lists and facets tell
/// of them, so that nothing can contradict them.</remarks>
[Flags]
internal enum EngineCapabilities
{
    None = 0,

    /// <summary>An enqueue may be recorded into a CUDA graph and replayed.</summary>
    CudaGraphs = 1 << 0,

    /// <summary>Outputs may be allocated by the caller's <see cref="IOutputAllocator"/> during the enqueue.</summary>
    OutputAllocator = 1 << 1,

    /// <summary>Scratch memory may be supplied by the caller, so that contexts share it.</summary>
    SharedWorkspace = 1 << 2,

    /// <summary>Reports the time of each layer.</summary>
    LayerProfiling = 1 << 3,

    /// <summary>May have tensors of type BYTES, which lie in host memory: its contexts have <see cref="IHostStrings"/>.</summary>
    Strings = 1 << 4,
}
