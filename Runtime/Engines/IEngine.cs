using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines;

/// <summary>A compiled network on one device. Immutable but for what its facets change, which happens only while it has no execution
/// contexts.</summary>
/// <remarks>
/// Shaped like <c>nvinfer1::ICudaEngine</c>. What only some engines have is a facet with an answer of its own: an engine without it says
/// nothing and refuses nothing, who needs it finds null. <b>Owns</b> the weights on the device. <b>Thread</b> any for reading; contexts are
/// made and facets used by one thread at a time, with the device context current. Disposed after its last context.
/// </remarks>
internal interface IEngine : IDisposable
{
    /// <summary>The segment's name.</summary>
    string Name { get; }

    /// <summary>What its contexts can do beyond a plain run; what has a facet is told by the facet alone.</summary>
    EngineCapabilities Capabilities { get; }

    IReadOnlyList<EngineTensor> Inputs { get; }

    IReadOnlyList<EngineTensor> Outputs { get; }

    /// <summary>Empty where the engine takes any shape its inputs allow.</summary>
    IReadOnlyList<ProfileSpec> Profiles => [];

    /// <summary>Outputs it writes in place of an input.</summary>
    IReadOnlyList<AliasSpec> Aliases => [];

    /// <summary>What it does otherwise than its module says, for people.</summary>
    IReadOnlyList<string> Warnings => [];

    /// <summary>The engine can only run with an output allocator (compile-time property).</summary>
    bool RequiresOutputAllocator => false;

    /// <summary>Weights that may stay on the host beyond a budget; null where all of them are on the device for good.</summary>
    IStreamableWeights? StreamableWeights => null;

    /// <summary>The settings of TensorRT-RTX; null for every other engine.</summary>
    IConfigurableRuntime? ConfigurableRuntime => null;

    /// <summary>Names and types of the layers as JSON, without needing a context; null where the engine does not tell.</summary>
    string? LayerInformation => null;

    /// <summary>Makes mutable state for one call at a time. It starts with profile 0 active.</summary>
    /// <param name="failure">Where the context's work reports failures that show only while it runs.</param>
    /// <param name="workspace">Dynamic: the caller supplies scratch memory by <see cref="IExecutionContext.Workspace"/>.</param>
    /// <param name="profiler">Where the times of layers go; given only to engines with
    /// <see cref="EngineCapabilities.LayerProfiling"/>.</param>
    /// <exception cref="ForwardException">Out of device memory; nothing was made.</exception>
    IExecutionContext CreateContext(FailureSlot failure, WorkspaceStrategy workspace, ILayerProfiler? profiler);
}
