using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>Stands in for TensorRT where there is none: an ONNX model with a manifest of profiles, streamable weights, aliases, shape
/// tensors and timing, beside each other or packed into one <see cref="EmulatedPlan"/>.</summary>
/// <remarks>Every rule TensorRT has for these holds here too, so that a program that is wrong there fails here. <b>Owns</b> nothing.
/// <b>Thread</b> any. <b>Blocks</b> while the model is loaded.</remarks>
internal sealed class EmulatedBackend : IEngineBackend
{
    public BackendDescription Description { get; } =
        new("emulated", "tensorrt_plan")
        {
            // Who names TensorRT for a plan means the plan, whoever runs it here.
            StandsInFor = ["tensorrt"],
            ModelFile = "model.plan",
            Recognise = EmulatedPlan.Recognise,
            Obstacle = driver =>
                driver == DriverKind.Emulated
                    ? null
                    : "the emulated engine stands in for TensorRT on emulated devices, and this is a real one. Give it a TensorRT plan",
            Explain = EmulatedPlanText.Of,
        };

    public IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation)
    {
        (EmulatedManifest manifest, EngineSource model) = EmulatedPlan.IsOne(source.Bytes.Span)
            ? Packed(source)
            : BesideItsManifest(source);
        OnnxNetwork network = OnnxNetwork.Load(model with { HasOptionalInputs = false }, home, cancellation);
        try
        {
            return new EmulatedEngine(source, manifest, network, OnnxGraph.Read(model.Bytes.Span));
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
        return (manifest, source with { Path = file, Bytes = ModuleFiles.Read(file, source.Files) });
    }
}
