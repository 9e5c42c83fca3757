using Troupe.Messages.Modes;
using Troupe.Runtime.Engines.Caches;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines;

/// <summary>A compiled network on one device. Immutable but for the settings below, which change only while it has no execution
/// contexts.</summary>
/// <remarks>
/// Shaped like <c>nvinfer1::ICudaEngine</c>. <b>Owns</b> the weights on the device. <b>Thread</b> any for reading; contexts are made and
/// settings changed by
/// one thread at a time, with the device context current. Disposed after its last context.
/// </remarks>
internal interface IEngine : IDisposable
{
    /// <summary>The segment's name.</summary>
    string Name { get; }

    EngineCapabilities Capabilities { get; }

    IReadOnlyList<EngineTensor> Inputs { get; }

    IReadOnlyList<EngineTensor> Outputs { get; }

    /// <summary>Empty where the engine takes any shape its inputs allow.</summary>
    IReadOnlyList<ProfileSpec> Profiles { get; }

    IReadOnlyList<AliasSpec> Aliases { get; }

    /// <summary>The engine can only run with an output allocator (compile-time property).</summary>
    bool RequiresOutputAllocator { get; }

    /// <summary>Bytes of weights that may be streamed; 0 without <see cref="EngineCapabilities.WeightStreaming"/>.</summary>
    long StreamableWeightBytes { get; }

    /// <summary>The budget the engine would choose itself from the memory now free.</summary>
    long AutomaticWeightBudget { get; }

    /// <summary>Bytes of streamable weights kept on the device.</summary>
    long WeightBudget { get; }

    /// <summary>Changes the budget; no execution context exists meanwhile.</summary>
    /// <exception cref="ForwardException">Refused; the budget is as before.</exception>
    void SetWeightBudget(long bytes);

    /// <summary>Changes the TensorRT-RTX settings; no execution context exists meanwhile.</summary>
    /// <param name="cache">Where compiled kernels are looked for and kept; null keeps none. It stays valid until the next change.</param>
    /// <exception cref="ForwardException">Not supported; nothing changed.</exception>
    void SetRuntimeSettings(RuntimeSettings settings, RuntimeCache? cache);

    /// <summary>Names and types of the layers as JSON, without needing a context; null where the engine does not tell.</summary>
    string? LayerInformation { get; }

    /// <summary>Makes mutable state for one call at a time. It starts with profile 0 active.</summary>
    /// <param name="failure">Where the context's work reports failures that show only while it runs.</param>
    /// <param name="workspace">Dynamic: the caller supplies scratch memory by <see cref="IExecutionContext.SetWorkspace"/>.</param>
    /// <exception cref="ForwardException">Out of device memory; nothing was made.</exception>
    IExecutionContext CreateContext(FailureSlot failure, WorkspaceStrategy workspace);
}
