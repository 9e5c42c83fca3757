namespace Troupe.Runtime.Cuda.Emulated.Kernels;

/// <summary>One launch of a named kernel, with its arguments copied: the caller may change its own at once.</summary>
internal sealed class KernelLaunch
{
    private readonly List<DeviceAccess> _accesses = [];
    private byte[] _arguments = [];

    public EmulatedKernel Kernel { get; private set; } = null!;

    public Dim3 Grid { get; private set; }

    public Dim3 Block { get; private set; }

    public uint SharedBytes { get; private set; }

    /// <summary>The ranges it touches.</summary>
    public ReadOnlySpan<DeviceAccess> Accesses => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_accesses);

    private KernelArguments Arguments => new(_arguments, Kernel.Offsets, Grid, Block, SharedBytes);

    public void Assign(EmulatedKernel kernel, Dim3 grid, Dim3 block, uint sharedBytes, ReadOnlySpan<byte> arguments)
    {
        Kernel = kernel;
        Grid = grid;
        Block = block;
        SharedBytes = sharedBytes;
        if (_arguments.Length < arguments.Length)
        {
            _arguments = new byte[arguments.Length];
        }

        arguments.CopyTo(_arguments);
        _accesses.Clear();
        kernel.Body.DescribeAccesses(Arguments, _accesses);
    }

    public CuResult Run(IEmulatedMemory memory) => Kernel.Body.Run(Arguments, memory);
}
