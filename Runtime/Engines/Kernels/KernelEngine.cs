using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>One built-in kernel under the tensor names of a segment.</summary>
/// <remarks><b>Owns</b> the loaded image. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class KernelEngine : IEngine
{
    private readonly CuModule _image;

    public KernelEngine(EngineSource source, EngineHome home, KernelManifest manifest, CuModule image, CuFunction function)
    {
        _image = image;
        Name = source.Segment;
        Home = home;
        Manifest = manifest;
        Function = function;
        Inputs =
        [
            .. manifest.Inputs.Select(input => new EngineTensor(input, manifest.Kernel.Input, manifest.Shape, manifest.Symbols)
            {
                Alignment = sizeof(float),
            }),
        ];
        Outputs = [new EngineTensor(manifest.Output, ElementType.Fp32, manifest.Shape, manifest.Symbols) { Alignment = sizeof(float) }];
    }

    public string Name { get; }

    public EngineHome Home { get; }

    public KernelManifest Manifest { get; }

    public CuFunction Function { get; }

    public EngineCapabilities Capabilities => EngineCapabilities.CudaGraphs | EngineCapabilities.OutputAllocator;

    public IReadOnlyList<EngineTensor> Inputs { get; }

    public IReadOnlyList<EngineTensor> Outputs { get; }

    public IExecutionContext CreateContext(FailureSlot failure, WorkspaceStrategy workspace, ILayerProfiler? profiler) =>
        new KernelContext(this);

    /// <summary>The device context is current, as for every call of an engine.</summary>
    public void Dispose() => Home.Driver.ModuleUnload(_image);
}
