using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>An ONNX model as ONNX Runtime holds it on the host: its session, its tensors, and output shapes learned by running.</summary>
/// <remarks><b>Owns</b> the session and the device memory its weights are charged for. <b>Thread</b> any; contexts share the session, whose
/// runs may overlap. <b>Blocks</b> while it is loaded.</remarks>
internal sealed class OnnxNetwork : IDisposable
{
    private readonly OnnxWeights _weights;

    private OnnxNetwork(
        EngineSource source,
        EngineHome home,
        OnnxGraph graph,
        OnnxWeights weights,
        InferenceSession session,
        OnnxArena arena
    )
    {
        Arena = arena;
        _weights = weights;
        Session = session;
        Home = home;
        Name = source.Segment;
        string[] optional = source.HasOptionalInputs
            ? [.. graph.Inputs.Where(name => graph.Defaults.ContainsKey(name) && session.OverridableInitializerMetadata.ContainsKey(name))]
            : [];
        HashSet<string> dependent = DataDependence.Find(graph, optional);
        InputNames = [.. session.InputNames, .. optional];
        OutputNames = [.. session.OutputNames];
        Inputs =
        [
            .. session.InputNames.Select(name => Describe(source, "input", name, session.InputMetadata[name], graph)),
            .. optional.Select(name =>
                Describe(source, "input", name, session.OverridableInitializerMetadata[name], graph) with
                {
                    Default = graph.Defaults[name],
                }
            ),
        ];
        Outputs = [.. OutputNames.Select(name => DescribeOutput(source, name, session.OutputMetadata[name], graph, dependent))];
        HasStrings = Inputs.Concat(Outputs).Any(tensor => tensor.Type == ElementType.Bytes);

        // Each run makes its values of strings anew, and nothing is bound for it.
        Outputs = HasStrings ? [.. Outputs.Select(output => output with { IsDataDependent = true })] : Outputs;
        Shapes = new OnnxShapes(Inputs, Outputs);
    }

    public InferenceSession Session { get; }

    /// <summary>Where its runs take memory from.</summary>
    public OnnxArena Arena { get; }

    public EngineHome Home { get; }

    /// <summary>The segment's name.</summary>
    public string Name { get; }

    public string[] InputNames { get; }

    public string[] OutputNames { get; }

    public IReadOnlyList<EngineTensor> Inputs { get; }

    public IReadOnlyList<EngineTensor> Outputs { get; }

    /// <summary>Some input or output is of type BYTES.</summary>
    public bool HasStrings { get; }

    /// <summary>What is known of output shapes.</summary>
    public OnnxShapes Shapes { get; }

    /// <summary>The input that an output is, by its name; null where the network computes it.</summary>
    public int? InputOf(int output) => Array.IndexOf(InputNames, OutputNames[output]) is int input and >= 0 ? input : null;

    /// <exception cref="ModuleLoadException">The bytes are no ONNX model, or ONNX Runtime refuses it, or its weights do not fit; nothing is
    /// left on the device.</exception>
    public static OnnxNetwork Load(EngineSource source, EngineHome home, CancellationToken cancellation)
    {
        OnnxGraph graph = ReadGraph(source);
        OnnxWeights weights = OnnxWeights.Charge(source, graph, home);
        InferenceSession? session = null;
        try
        {
            var arena = OnnxArena.Of(MemoryOf(home.Driver));
            session = ModuleFiles.WhileUnchanged(
                Companions(source, graph),
                source.Files,
                () => OnnxSession.Create(source, graph, cancellation)
            );
            return new OnnxNetwork(source, home, graph, weights, session, arena);
        }
        catch
        {
            session?.Dispose();
            weights.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Session.Dispose();
        _weights.Dispose();
    }

    /// <summary>Of all devices together.</summary>
    private static ulong MemoryOf(ICudaDriver driver)
    {
        ulong sum = 0;
        driver.DeviceGetCount(out int count).ThrowIfFailed();
        for (int ordinal = 0; ordinal < count; ordinal++)
        {
            driver.DeviceGet(out CuDevice device, ordinal).ThrowIfFailed();
            driver.DeviceTotalMem(out ulong bytes, device).ThrowIfFailed();
            sum += bytes;
        }

        return sum;
    }

    private static OnnxGraph ReadGraph(EngineSource source)
    {
        try
        {
            return OnnxGraph.Read(source.Bytes.Span);
        }
        catch (Exception trouble) when (trouble is InvalidDataException or OverflowException)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{source.Path}' is not an ONNX model, or it is cut off: {trouble.Message}.",
                trouble
            );
        }
    }

    /// <summary>The files beside the model that ONNX Runtime opens by itself.</summary>
    private static string[] Companions(EngineSource source, OnnxGraph graph)
    {
        if (source.IsHeld && graph.ExternalFiles.Count > 0)
        {
            throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"'{source.Path}' keeps weights in the file '{graph.ExternalFiles.First()}', and a load brings along only models that are whole in themselves. Put it into the model repository."
            );
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(source.Path))!;
        return [.. graph.ExternalFiles.Select(file => ModuleFiles.Resolve(folder, file, source.Path))];
    }

    private EngineTensor DescribeOutput(EngineSource source, string name, NodeMetadata metadata, OnnxGraph graph, HashSet<string> dependent)
    {
        EngineTensor output = Describe(source, "output", name, metadata, graph);
        return output with { IsDataDependent = dependent.Contains(name) && !OnnxShapes.FollowsSymbols(Inputs, output) };
    }

    private static EngineTensor Describe(EngineSource source, string side, string name, NodeMetadata metadata, OnnxGraph graph)
    {
        if (!metadata.IsTensor || !OnnxElementTypes.TryParse(metadata.ElementDataType, out ElementType type))
        {
            string what = metadata.IsTensor ? metadata.ElementDataType.ToString() : metadata.OnnxValueType.ToString();
            throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"'{source.Path}' has the {side} '{name}' of type {what}, which no tensor here can be."
            );
        }

        if (metadata.Dimensions.Length > TensorShape.MaxRank)
        {
            throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"'{source.Path}' has the {side} '{name}' of rank {metadata.Dimensions.Length}; at most {TensorShape.MaxRank} is possible."
            );
        }

        // ONNX Runtime tells no dimensions both of a scalar and where it knows no rank; the file tells which of them it is.
        return metadata.Dimensions.Length == 0 && graph.Shapeless.Contains(name)
            ? new EngineTensor(name, type, new TensorShape(-1), [""]) { Alignment = 64, IsRankFree = true }
            : new EngineTensor(
                name,
                type,
                new TensorShape([.. metadata.Dimensions.Select(dimension => (long)Math.Max(dimension, -1))]),
                [.. metadata.SymbolicDimensions.Select(symbol => symbol ?? "")]
            )
            {
                Alignment = 64,
            };
    }
}
