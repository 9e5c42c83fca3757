using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Kernels;

/// <summary>A loaded image of kernels on an emulated device.</summary>
internal sealed class EmulatedImage(EmulatedCudaContext context) : EmulatedObject
{
    public EmulatedCudaContext Context { get; } = context;

    /// <summary>Compute capability the PTX was written for, times ten; that of the device for an ELF image.</summary>
    public int PtxTarget { get; set; } = (context.Device.Options.ComputeMajor * 10) + context.Device.Options.ComputeMinor;

    public Dictionary<string, EmulatedKernel> Kernels { get; } = new(StringComparer.Ordinal);

    public override string Describe() => $"kernel image of device {Context.Device.Ordinal} ({string.Join(", ", Kernels.Keys)})";
}
