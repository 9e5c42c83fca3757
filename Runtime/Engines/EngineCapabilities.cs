namespace Troupe.Runtime.Engines;

/// <summary>What an engine can do on its device; a mode that needs more is refused with <c>NotSupported</c>, never ignored.</summary>
[Flags]
internal enum EngineCapabilities
{
    None = 0,

    /// <summary>An enqueue may be recorded into a CUDA graph and replayed.</summary>
    CudaGraphs = 1 << 0,

    /// <summary>Outputs may be allocated by the caller's <see cref="IOutputAllocator"/> during the enqueue.</summary>
    OutputAllocator = 1 << 1,

    /// <summary>Weights may stay on the host beyond a budget.</summary>
    WeightStreaming = 1 << 2,

    /// <summary>Has optimization profiles, of which one is active per execution context.</summary>
    Profiles = 1 << 3,

    /// <summary>An output may share the address of an input.</summary>
    AliasedTensors = 1 << 4,

    /// <summary>Reads the values of some inputs on the host before the launch.</summary>
    ShapeTensors = 1 << 5,

    /// <summary>Scratch memory may be supplied by the caller, so that contexts share it.</summary>
    SharedWorkspace = 1 << 6,

    /// <summary>Takes kernel specialization, engine-internal graph capture and a runtime cache (TensorRT-RTX).</summary>
    RuntimeSettings = 1 << 7,

    /// <summary>Reports the time of each layer.</summary>
    LayerProfiling = 1 << 8,
}
