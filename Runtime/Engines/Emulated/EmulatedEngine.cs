using System.Security.Cryptography;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>An ONNX network under TensorRT's rules: profiles, a weight budget that takes device memory, aliases, shape tensors.</summary>
/// <remarks><b>Owns</b> the network and the memory its resident streamable weights take. <b>Thread</b> as <see cref="IEngine"/>.
/// <b>Blocks</b> never.</remarks>
internal sealed class EmulatedEngine : IEngine
{
    private readonly OnnxNetwork _network;
    private readonly ContextCount _contexts;

    /// <param name="network">Belongs to the engine once it is made.</param>
    /// <param name="graph">The network's operators, whose names are those of the layers.</param>
    public EmulatedEngine(EngineSource source, EmulatedManifest manifest, OnnxNetwork network, OnnxGraph graph)
    {
        _network = network;
        _contexts = new ContextCount(network.Name);
        Manifest = manifest;
        Layers = [.. graph.Nodes.Select((node, index) => $"{node.Operator}_{index}")];
        Aliases = AliasReconciliation.Of(network.Name, manifest.Aliases, source.Aliases, out IReadOnlyList<string> warnings);
        Warnings = warnings;
        Inputs =
        [
            .. network.Inputs.Select(input => input with { IsShapeTensor = manifest.ShapeTensors.Contains(input.Name), Alignment = 256 }),
        ];
        Outputs =
        [
            .. network.Outputs.Select(output =>
                output with
                {
                    IsDataDependent = output.IsDataDependent && !manifest.Shapes.ContainsKey(output.Name),
                    Alignment = 256,
                }
            ),
        ];
        RefuseUnknownNames(source);
        RefuseAliasesUnderAllocator();
        Profiles =
        [
            .. manifest.Profiles.Select((ranges, index) => new ProfileSpec(index, [.. Inputs.Select(input => Range(ranges, input))])),
        ];
        if (manifest.IsRtx)
        {
            string content = Convert.ToHexStringLower(SHA256.HashData(source.Bytes.Span));
            Rtx = new EmulatedRtx(content, Inputs.Any(input => !input.Shape.IsConcrete), _contexts);
        }

        if (manifest.StreamableBytes > 0)
        {
            Weights = new EmulatedWeights(manifest, network.Home, network.Name, source.Path, _contexts);
        }
    }

    public EmulatedManifest Manifest { get; }

    public EngineHome Home => _network.Home;

    public string Name => _network.Name;

    public EngineCapabilities Capabilities =>
        EngineCapabilities.CudaGraphs
        | EngineCapabilities.OutputAllocator
        | EngineCapabilities.SharedWorkspace
        | EngineCapabilities.LayerProfiling;

    public IReadOnlyList<EngineTensor> Inputs { get; }

    public IReadOnlyList<EngineTensor> Outputs { get; }

    public IReadOnlyList<ProfileSpec> Profiles { get; }

    public IReadOnlyList<AliasSpec> Aliases { get; }

    public IReadOnlyList<string> Warnings { get; }

    public bool RequiresOutputAllocator => Manifest.RequiresOutputAllocator;

    /// <summary>Null where all weights are on the device.</summary>
    public EmulatedWeights? Weights { get; }

    public IStreamableWeights? StreamableWeights => Weights;

    /// <summary>Null where the engine is not one of TensorRT-RTX.</summary>
    public EmulatedRtx? Rtx { get; }

    public IConfigurableRuntime? ConfigurableRuntime => Rtx;

    public string? LayerInformation =>
        $$"""{"Layers":[{{string.Join(',', Layers.Select(layer => $"\"{layer}\""))}}],"Bindings":[{{string.Join(',', Inputs.Concat(Outputs).Select(tensor => $"\"{tensor.Name}\""))}}]}""";

    /// <summary>Names of the layers, in the order they run.</summary>
    public IReadOnlyList<string> Layers { get; }

    public IExecutionContext CreateContext(FailureSlot failure, WorkspaceStrategy workspace, ILayerProfiler? profiler) =>
        new EmulatedContext(this, _network, _contexts, failure, workspace, profiler);

    public void Dispose()
    {
        Weights?.Dispose();
        _network.Dispose();
    }

    private static ProfileRange Range(IReadOnlyDictionary<string, ProfileRange> ranges, EngineTensor input) =>
        ranges.GetValueOrDefault(input.Name) ?? (input.IsShapeTensor ? ProfileRange.AnyValues : ProfileRange.Any(input.Shape));

    private void RefuseAliasesUnderAllocator()
    {
        if (RequiresOutputAllocator && Aliases.Count > 0)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"Aliased output {Aliases[0].Output} is incompatible with dynamic output allocator. Aliasing requires fixed output shape."
            );
        }
    }

    private void RefuseUnknownNames(EngineSource source)
    {
        string[] inputs = [.. Inputs.Select(input => input.Name)],
            outputs = [.. Outputs.Select(output => output.Name)];
        IEnumerable<string> unknown =
        [
            .. Manifest
                .Profiles.SelectMany(profile => profile.Keys)
                .Concat(Manifest.ShapeTensors)
                .Concat(Aliases.Select(alias => alias.Input))
                .Concat(
                    Manifest
                        .Shapes.Values.SelectMany(rules => rules)
                        .SelectMany(rule => rule.Dimensions.Select(term => term.Input).Concat(rule.Values.Select(term => term.Input)))
                )
                .Except(inputs),
            .. Aliases.Select(alias => alias.Output).Concat(Manifest.Shapes.Keys).Except(outputs),
        ];
        if (unknown.FirstOrDefault() is { } name)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{source.Path}' names the tensor '{name}', which '{Manifest.Onnx}' does not have there."
            );
        }
    }
}
