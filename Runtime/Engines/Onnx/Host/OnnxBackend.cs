using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Runs ONNX models with ONNX Runtime's CPU provider, as kernels on emulated devices.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> any. <b>Blocks</b> while a model is loaded and optimized.</remarks>
internal sealed class OnnxBackend : IEngineBackend
{
    public string Name => "onnxruntime";

    public string Platform => "onnxruntime_onnx";

    public string? Unsupported(EngineHome home) =>
        home.Driver is IManagedLauncher
            ? null
            : $"the package holds ONNX Runtime's CPU provider only, which runs on emulated devices; device {home.Ordinal} is a real one. Give it a TensorRT plan, or serve this model with --devices host:1";

    public IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation) => LoadOnnx(source, home, cancellation);

    /// <summary>As <see cref="Load"/>, for back ends that build upon it.</summary>
    public OnnxEngine LoadOnnx(EngineSource source, EngineHome home, CancellationToken cancellation)
    {
        if (Unsupported(home) is { } reason)
        {
            throw new ModuleLoadException(FailureKind.NotSupported, $"'{source.Path}' cannot run on device {home.Ordinal}: {reason}.");
        }

        OnnxGraph graph = ReadGraph(source);
        OnnxWeights weights = OnnxWeights.Charge(source, graph, home);
        try
        {
            return new OnnxEngine(source, home, graph, weights, OnnxSession.Create(source, graph, cancellation));
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private static OnnxGraph ReadGraph(EngineSource source)
    {
        OnnxGraph graph;
        try
        {
            graph = OnnxGraph.Read(source.Bytes.Span);
        }
        catch (Exception trouble) when (trouble is InvalidDataException or OverflowException)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{source.Path}' is not an ONNX model, or it is cut off: {trouble.Message}.",
                trouble
            );
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(source.Path))!;
        foreach (string file in graph.ExternalFiles)
        {
            ModuleFiles.Resolve(folder, file, source.Path);
        }

        return graph;
    }
}
