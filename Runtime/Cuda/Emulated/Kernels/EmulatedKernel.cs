using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Cuda.Emulated.Kernels;

/// <summary>A kernel inside a loaded image: its name, its managed body and where its parameters lie.</summary>
internal sealed class EmulatedKernel : EmulatedObject
{
    private readonly int[] _sizes;

    public EmulatedKernel(EmulatedImage image, string name, ManagedKernelBody body)
    {
        Image = image;
        Name = name;
        Body = body;
        _sizes = [.. body.ParameterSizes];
        Offsets = new int[_sizes.Length];
        for (int i = 0; i < _sizes.Length; i++)
        {
            Offsets[i] = ByteAlignment.Up(ArgumentBytes, _sizes[i]);
            ArgumentBytes = Offsets[i] + _sizes[i];
        }
    }

    public EmulatedImage Image { get; }

    public string Name { get; }

    public ManagedKernelBody Body { get; }

    public int[] Offsets { get; }

    public int ArgumentBytes { get; }

    public int MaxDynamicSharedBytes { get; set; } = 48 << 10;

    /// <summary>Whether the caller's argument pack has this kernel's layout.</summary>
    public bool Accepts(ReadOnlySpan<byte> arguments, ReadOnlySpan<int> sizes) =>
        arguments.Length >= ArgumentBytes && sizes.SequenceEqual(_sizes);

    public override string Describe() => $"kernel {Name}";
}
