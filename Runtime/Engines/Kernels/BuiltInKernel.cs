using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>A kernel that Troupe brings along: one name with two bodies, PTX for a GPU and managed code for emulated devices.</summary>
/// <remarks>
/// Parameters, in this order: the output's address, the inputs' addresses, the scalars (float32), the row width where the kernel works on
/// rows, and the number
/// of threads that have work. Outputs have the shape of the first input. <b>Thread</b> any; immutable.
/// </remarks>
internal abstract class BuiltInKernel : ManagedKernelBody
{
    /// <summary>Name in manifests and of the PTX entry.</summary>
    public abstract string Name { get; }

    /// <summary>The PTX between the braces, for <see cref="KernelPtx"/>.</summary>
    public abstract string Body { get; }

    public abstract ElementType Input { get; }

    public abstract int InputCount { get; }

    /// <summary>Names of the scalar parameters a manifest must give.</summary>
    public virtual IReadOnlyList<string> Scalars => [];

    /// <summary>One thread works on a whole row of the last dimension, instead of one element.</summary>
    public virtual bool WorksOnRows => false;

    public sealed override IReadOnlyList<int> ParameterSizes =>
        [.. Enumerable.Repeat(8, 1 + InputCount), .. Enumerable.Repeat(4, Scalars.Count + (WorksOnRows ? 2 : 1))];

    public sealed override void DescribeAccesses(in KernelArguments arguments, List<DeviceAccess> accesses)
    {
        ulong elements = Elements(in arguments);
        accesses.Add(new DeviceAccess(arguments.Get<DevicePointer>(0), elements * sizeof(float), AccessKind.Write));
        for (int input = 1; input <= InputCount; input++)
        {
            accesses.Add(new DeviceAccess(arguments.Get<DevicePointer>(input), elements * (ulong)InputBytes, AccessKind.Read));
        }
    }

    public sealed override unsafe CuResult Run(in KernelArguments arguments, IEmulatedMemory memory)
    {
        // SAFETY: the emulator has checked the declared ranges and resolves exactly those.
        int elements = checked((int)Elements(in arguments));
        Span<float> output = new(memory.Resolve(arguments.Get<DevicePointer>(0), (ulong)elements * sizeof(float)), elements);
        byte* first = memory.Resolve(arguments.Get<DevicePointer>(1), (ulong)(elements * InputBytes));
        byte* second = InputCount > 1 ? memory.Resolve(arguments.Get<DevicePointer>(2), (ulong)(elements * InputBytes)) : null;
        Compute(
            output,
            new ReadOnlySpan<byte>(first, elements * InputBytes),
            new ReadOnlySpan<byte>(second, second is null ? 0 : elements * InputBytes),
            in arguments
        );
        return CuResult.Success;
    }

    /// <summary>The arithmetic, element by element as the PTX does it.</summary>
    protected abstract void Compute(Span<float> output, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, in KernelArguments arguments);

    /// <summary>Value of a scalar by its position.</summary>
    protected float Scalar(in KernelArguments arguments, int index) => arguments.Get<float>(1 + InputCount + index);

    /// <summary>Elements in a row; 1 where the kernel does not work on rows.</summary>
    protected int Width(in KernelArguments arguments) => WorksOnRows ? (int)arguments.Get<uint>(1 + InputCount + Scalars.Count) : 1;

    private int InputBytes => ElementTypes.BitCount(Input) / 8;

    private ulong Elements(in KernelArguments arguments) =>
        Math.Min(arguments.Get<uint>(ParameterSizes.Count - 1), arguments.ThreadsX) * (ulong)Width(in arguments);
}
