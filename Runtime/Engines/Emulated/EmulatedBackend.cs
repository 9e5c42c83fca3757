using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>Stands in for TensorRT where there is none: an ONNX model with a manifest of profiles, streamable weights, aliases, shape
/// tensors and timing, beside each other or packed into one <see cref="EmulatedPlan"/>.</summary>
/// <remarks>Every rule TensorRT has for these holds here too, so that a program that is wrong there fails here. <b>Thread</b> any.
/// <b>Blocks</b> while the model is loaded.</remarks>
internal sealed class EmulatedBackend(OnnxBackend onnx) : IEngineBackend
{
    public string Name => "emulated";

    public string Platform => "tensorrt_plan";

    public string? Unsupported(EngineHome home) =>
        home.Driver is IManagedLauncher
            ? null
            : $"the emulated engine stands in for TensorRT on emulated devices; device {home.Ordinal} is a real one. Give it a TensorRT plan";

    public IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation)
    {
        if (Unsupported(home) is { } reason)
        {
            throw new ModuleLoadException(FailureKind.NotSupported, $"'{source.Path}' cannot run on device {home.Ordinal}: {reason}.");
        }

        (EmulatedManifest manifest, EngineSource model) = EmulatedPlan.IsOne(source.Bytes.Span)
            ? Packed(source)
            : BesideItsManifest(source);
        OnnxEngine network = onnx.LoadOnnx(model with { Aliases = [] }, home, cancellation);
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

    private static (EmulatedManifest Manifest, EngineSource Model) Packed(EngineSource source)
    {
        EmulatedPlan plan = EmulatedPlan.Read(source.Bytes, source.Path);
        _ = plan.ReadGraph(source.Path);
        return (EmulatedManifest.Read(plan.Manifest, source.Path), source with { Bytes = plan.Onnx });
    }

    private static (EmulatedManifest Manifest, EngineSource Model) BesideItsManifest(EngineSource source)
    {
        EmulatedManifest manifest = EmulatedManifest.Read(source.Bytes, source.Path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(source.Path))!;
        string file = ModuleFiles.Resolve(folder, manifest.Onnx, source.Path);
        return (manifest, source with { Path = file, Bytes = ModuleFiles.Read(file) });
    }
}
