using Troupe.Runtime.Engines;
using Troupe.Runtime.Engines.Emulated;
using Troupe.Runtime.Engines.Kernels;
using Troupe.Runtime.Engines.Onnx.Host;

namespace Troupe.Runtime.Platforms;

/// <summary>The back ends of this build: a line each, and the only place that knows them all.</summary>
internal static class StandardBackends
{
    public static BackendCatalogue Catalogue { get; } =
        new(
            new OnnxBackend(), // ONNX models on the host
            new KernelBackend(), // single kernels, on every device
            new EmulatedBackend() // plans where there is no TensorRT
        );
}
