using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>Stands in for TensorRT where there is none: an ONNX model with a manifest of profiles, streamable weights, aliases, shape tensors and timing.</summary>
/// <remarks>Every rule TensorRT has for these holds here too, so that a program that is wrong there fails here. <b>Thread</b> any. <b>Blocks</b> while the model is loaded.</remarks>
internal sealed class EmulatedBackend(OnnxBackend onnx) : IEngineBackend
{
    public string Name => "emulated";

    public string Platform => "tensorrt_plan";

    public string? Unsupported(EngineHome home) => home.Driver is IManagedLauncher
        ? null
        : $"the emulated engine stands in for TensorRT on emulated devices; device {home.Ordinal} is a real one. Give it a TensorRT plan";

    public IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation)
    {
        EmulatedManifest manifest = EmulatedManifest.Read(source.Bytes, source.Path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(source.Path))!;
        string file = ModuleFiles.Resolve(folder, manifest.Onnx, source.Path);
        OnnxEngine network = onnx.LoadOnnx(source with { Path = file, Bytes = ModuleFiles.Read(file), Aliases = [] }, home, cancellation);
        try
        {
            return new EmulatedEngine(source, manifest, network);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }
}
