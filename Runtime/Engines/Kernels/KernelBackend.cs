using System.Collections.Frozen;
using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>Runs single kernels as segments, on real and emulated devices alike: fallback segments, pre- and post-processing.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> any. <b>Blocks</b> while the driver compiles PTX.</remarks>
internal sealed class KernelBackend : IEngineBackend
{
    /// <summary>Every kernel this build brings along, by name.</summary>
    public static FrozenDictionary<string, BuiltInKernel> Kernels { get; } =
        new BuiltInKernel[] { new Relu(), new Add(), new ScaleShift(), new NormalizeBytes(), new Softmax() }.ToFrozenDictionary(
            kernel => kernel.Name,
            StringComparer.Ordinal
        );

    public BackendDescription Description { get; } = new("kernels", "troupe_kernels");

    public IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation)
    {
        KernelManifest manifest = KernelManifest.Read(source, Kernels);
        if (source.Aliases.Count > 0)
        {
            throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"Segment '{source.Segment}' declares aliases; kernels write their output apart from their inputs."
            );
        }

        (home.Driver as EmulatedCudaDriver)?.RegisterKernel(manifest.Kernel.Name, manifest.Kernel);
        CuResult status = home.Driver.ModuleLoadData(out CuModule image, KernelPtx.Of(manifest.Kernel), out string log);
        if (status != CuResult.Success)
        {
            throw new CudaException(status, $"{nameof(ICudaDriver.ModuleLoadData)} of kernel '{manifest.Kernel.Name}' [{log.Trim()}]");
        }

        status = home.Driver.ModuleGetFunction(out CuFunction function, image, manifest.Kernel.Name);
        if (status != CuResult.Success)
        {
            home.Driver.ModuleUnload(image);
            throw new CudaException(status, $"{nameof(ICudaDriver.ModuleGetFunction)} '{manifest.Kernel.Name}'");
        }

        return new KernelEngine(source, home, manifest, image, function);
    }
}
