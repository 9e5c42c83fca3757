using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines;

/// <summary>A way to make engines out of bytes: ONNX Runtime, TensorRT, kernels, the emulated TensorRT.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> any; loads may run at once on several threads.</remarks>
internal interface IEngineBackend
{
    /// <summary>All that others need to know of it.</summary>
    BackendDescription Description { get; }

    /// <summary>Loads an engine on a device that <see cref="BackendDescription.Obstacle"/> does not rule out. The weights count against
    /// the device's memory from here on.</summary>
    /// <exception cref="ModuleLoadException">The bytes are refused; the device is as it was.</exception>
    IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation);
}
