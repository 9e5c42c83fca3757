using Troupe.Messages.Modes;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.TestSupport.Engines;

/// <summary>An engine without any facet: one input, one output like it.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class ZeroEngine(string name, EngineHome home, EngineTensor input, Action? onEnqueue = null) : IEngine
{
    public string Name => name;

    public EngineCapabilities Capabilities => EngineCapabilities.CudaGraphs;

    public IReadOnlyList<EngineTensor> Inputs { get; } = [input];

    public IReadOnlyList<EngineTensor> Outputs { get; } = [input with { Name = "y" }];

    public IExecutionContext CreateContext(FailureSlot failure, WorkspaceStrategy workspace, ILayerProfiler? profiler) =>
        new ZeroContext(home, input, onEnqueue);

    public void Dispose()
    {
        // Nothing of the device is held.
    }
}
