namespace Troupe.Runtime.Cuda.Host;

/// <summary>A kernel inside a loaded image: its name, its managed body and where its parameters lie.</summary>
internal sealed class HostKernel : HostObject
{
    public HostKernel(HostImage image, string name, ManagedKernelBody body)
    {
        Image = image;
        Name = name;
        Body = body;
        var sizes = body.ParameterSizes;
        Offsets = new int[sizes.Count];
        for (var i = 0; i < sizes.Count; i++)
        {
            Offsets[i] = (ArgumentBytes + sizes[i] - 1) / sizes[i] * sizes[i];
            ArgumentBytes = Offsets[i] + sizes[i];
        }
    }

    public HostImage Image { get; }

    public string Name { get; }

    public ManagedKernelBody Body { get; }

    public int[] Offsets { get; }

    public int ArgumentBytes { get; }

    public int MaxDynamicSharedBytes { get; set; } = 48 << 10;

    /// <summary>Whether the caller's argument pack has this kernel's layout.</summary>
    public bool Accepts(ReadOnlySpan<byte> arguments, ReadOnlySpan<int> sizes)
    {
        if (sizes.Length != Body.ParameterSizes.Count || arguments.Length < ArgumentBytes) return false;
        for (var i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] != Body.ParameterSizes[i]) return false;
        }

        return true;
    }

    public override string Describe() => $"kernel {Name}";
}
