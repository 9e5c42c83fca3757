using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Runs ONNX models with ONNX Runtime's CPU provider, as kernels on emulated devices.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> any. <b>Blocks</b> while a model is loaded and optimized.</remarks>
internal sealed class OnnxBackend : IEngineBackend
{
    public BackendDescription Description { get; } =
        new("onnxruntime", "onnxruntime_onnx")
        {
            ModelFile = "model.onnx",
            Recognise = OnnxBytes.Recognise,
            Obstacle = driver =>
                driver == DriverKind.Emulated
                    ? null
                    : "the package holds ONNX Runtime's CPU provider only, which runs on emulated devices, and this is a real one. Give it a TensorRT plan, or serve this model with --devices emulated:1",
        };

    public IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation) =>
        new OnnxEngine(source, OnnxNetwork.Load(source, home, cancellation));
}
