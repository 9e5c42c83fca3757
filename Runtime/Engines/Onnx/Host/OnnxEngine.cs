using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>An ONNX model as an engine, with the aliases and the one profile that its module declares.</summary>
/// <remarks><b>Owns</b> the network. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class OnnxEngine : IEngine
{
    private readonly OnnxNetwork _network;

    public OnnxEngine(EngineSource source, OnnxNetwork network)
    {
        _network = network;
        Aliases = source.Aliases;
        Profiles =
            source.Ranges.Count > 0
                ?
                [
                    new ProfileSpec(
                        0,
                        [.. Inputs.Select(input => source.Ranges.GetValueOrDefault(input.Name) ?? ProfileRange.Any(input.Shape))]
                    ),
                ]
                : [];
    }

    public string Name => _network.Name;

    /// <summary>Strings are read by the run, and a recording would read those of the call it was made by.</summary>
    public EngineCapabilities Capabilities =>
        EngineCapabilities.OutputAllocator | (_network.HasStrings ? EngineCapabilities.Strings : EngineCapabilities.CudaGraphs);

    public IReadOnlyList<EngineTensor> Inputs => _network.Inputs;

    public IReadOnlyList<EngineTensor> Outputs => _network.Outputs;

    public IReadOnlyList<ProfileSpec> Profiles { get; }

    public IReadOnlyList<AliasSpec> Aliases { get; }

    public IExecutionContext CreateContext(FailureSlot failure, WorkspaceStrategy workspace, ILayerProfiler? profiler) =>
        new OnnxContext(_network, (IManagedLauncher)_network.Home.Driver, failure);

    public void Dispose() => _network.Dispose();
}
