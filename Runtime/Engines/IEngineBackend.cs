using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines;

/// <summary>A way to make engines out of bytes: ONNX Runtime, TensorRT, kernels, the emulated TensorRT.</summary>
/// <remarks><b>Thread</b> any; loads may run at once on several threads.</remarks>
internal interface IEngineBackend
{
    /// <summary>The name that <c>module.json</c> uses, e.g. <c>onnxruntime</c>.</summary>
    string Name { get; }

    /// <summary>In V2's words, e.g. <c>onnxruntime_onnx</c>.</summary>
    string Platform { get; }

    /// <summary>Why this back end cannot run on that device (what is missing), or null when it can.</summary>
    string? Unsupported(EngineHome home);

    /// <summary>Loads an engine. The weights count against the device's memory from here on.</summary>
    /// <exception cref="ModuleLoadException">The bytes are refused; the device is as it was.</exception>
    IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation);
}
