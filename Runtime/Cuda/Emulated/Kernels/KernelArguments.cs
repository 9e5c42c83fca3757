using System.Runtime.InteropServices;

namespace Troupe.Runtime.Cuda.Emulated.Kernels;

/// <summary>The arguments of one kernel launch, read by position, with its extents.</summary>
internal readonly ref struct KernelArguments(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets, Dim3 grid, Dim3 block, uint sharedBytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly ReadOnlySpan<int> _offsets = offsets;

    public Dim3 Grid { get; } = grid;

    public Dim3 Block { get; } = block;

    public uint SharedBytes { get; } = sharedBytes;

    /// <summary>Threads of the launch along the first axis.</summary>
    public ulong ThreadsX => (ulong)Grid.X * Block.X;

    public T Get<T>(int index)
        where T : unmanaged => MemoryMarshal.Read<T>(_bytes[_offsets[index]..]);
}
