using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Caches;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>One ONNX Runtime session as an engine: tensors, profile from the manifest's ranges, and output shapes learned by
/// running.</summary>
/// <remarks><b>Owns</b> the session and the memory its weights are charged for. <b>Thread</b> any; contexts share the session, whose runs
/// may overlap. <b>Blocks</b> never.</remarks>
internal sealed class OnnxEngine : IEngine
{
    private readonly OnnxWeights _weights;

    public OnnxEngine(EngineSource source, EngineHome home, OnnxGraph graph, OnnxWeights weights, InferenceSession session)
    {
        _weights = weights;
        Session = session;
        Home = home;
        Name = source.Segment;
        Aliases = source.Aliases;
        Layers = [.. graph.Nodes.Select((node, index) => $"{node.Operator}_{index}")];
        try
        {
            HashSet<string> dependent = DataDependence.Find(graph);
            InputNames = [.. session.InputNames];
            OutputNames = [.. session.OutputNames];
            Inputs = [.. InputNames.Select(name => Describe(source, "input", name, session.InputMetadata[name]))];
            Outputs = [.. OutputNames.Select(name => DescribeOutput(source, name, session.OutputMetadata[name], dependent))];
            Shapes = new OnnxShapes(Inputs, Outputs);
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
        catch
        {
            session.Dispose();
            throw;
        }
    }

    public InferenceSession Session { get; }

    public EngineHome Home { get; }

    public string Name { get; }

    public string[] InputNames { get; }

    public string[] OutputNames { get; }

    /// <summary>The operators of the graph, in order, as names of layers.</summary>
    public IReadOnlyList<string> Layers { get; }

    /// <summary>What is known of output shapes.</summary>
    public OnnxShapes Shapes { get; }

    public EngineCapabilities Capabilities =>
        EngineCapabilities.CudaGraphs | EngineCapabilities.OutputAllocator | EngineCapabilities.AliasedTensors;

    public IReadOnlyList<EngineTensor> Inputs { get; }

    public IReadOnlyList<EngineTensor> Outputs { get; }

    public IReadOnlyList<ProfileSpec> Profiles { get; }

    public IReadOnlyList<AliasSpec> Aliases { get; }

    public bool RequiresOutputAllocator => false;

    public long StreamableWeightBytes => 0;

    public long AutomaticWeightBudget => 0;

    public long WeightBudget => 0;

    public string? LayerInformation => null;

    public void SetWeightBudget(long bytes) =>
        throw new ForwardException(FailureKind.NotSupported, "Streamable bytes are zero: ONNX Runtime keeps all weights where they are.");

    public void SetRuntimeSettings(RuntimeSettings settings, RuntimeCache? cache) =>
        throw new ForwardException(FailureKind.NotSupported, "Runtime settings are TensorRT-RTX's; ONNX Runtime has none.");

    public IExecutionContext CreateContext(FailureSlot failure, WorkspaceStrategy workspace) =>
        new OnnxContext(this, (IManagedLauncher)Home.Driver, failure);

    public void Dispose()
    {
        Session.Dispose();
        _weights.Dispose();
    }

    private EngineTensor DescribeOutput(EngineSource source, string name, NodeMetadata metadata, HashSet<string> dependent)
    {
        EngineTensor output = Describe(source, "output", name, metadata);
        return output with { IsDataDependent = dependent.Contains(name) && !OnnxShapes.FollowsSymbols(Inputs, output) };
    }

    private static EngineTensor Describe(EngineSource source, string side, string name, NodeMetadata metadata)
    {
        if (!metadata.IsTensor || !OnnxElementTypes.TryParse(metadata.ElementDataType, out ElementType type))
        {
            string what = metadata.IsTensor ? metadata.ElementDataType.ToString() : metadata.OnnxValueType.ToString();
            throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"'{source.Path}' has the {side} '{name}' of type {what}, which cannot stand in device memory."
            );
        }

        if (metadata.Dimensions.Length > TensorShape.MaxRank)
        {
            throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"'{source.Path}' has the {side} '{name}' of rank {metadata.Dimensions.Length}; at most {TensorShape.MaxRank} is possible."
            );
        }

        var shape = new TensorShape([.. metadata.Dimensions.Select(dimension => (long)Math.Max(dimension, -1))]);
        return new EngineTensor(name, type, shape, [.. metadata.SymbolicDimensions.Select(symbol => symbol ?? "")]) { Alignment = 64 };
    }
}
