namespace Troupe.Runtime.Cuda.Emulated.Kernels;

/// <summary>The managed half of a named kernel: what a GPU does from PTX, an emulated device does with this.</summary>
/// <remarks>Registered once per driver under the name of the PTX entry. <b>Owns</b> nothing. <b>Thread</b> the driver's. <b>Blocks</b>
/// while it computes.</remarks>
internal abstract class ManagedKernelBody
{
    /// <summary>Sizes of the parameters in bytes, in order; each lies at its natural alignment.</summary>
    public abstract IReadOnlyList<int> ParameterSizes { get; }

    /// <summary>How long a launch takes on the virtual clock of the timed policy.</summary>
    public virtual TimeSpan Duration => TimeSpan.Zero;

    /// <summary>Appends the ranges that a launch with these arguments touches.</summary>
    public abstract void DescribeAccesses(in KernelArguments arguments, List<DeviceAccess> accesses);

    /// <summary>The computation; anything but success fails the device context, as a kernel fault would.</summary>
    public abstract CuResult Run(in KernelArguments arguments, IEmulatedMemory memory);
}
