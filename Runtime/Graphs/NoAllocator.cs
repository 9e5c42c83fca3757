using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;

namespace Troupe.Runtime.Graphs;

/// <summary>Stands where an engine must not allocate outputs: inside a recording every output has its place.</summary>
internal sealed class NoAllocator : IOutputAllocator
{
    public static NoAllocator Instance { get; } = new();

    public DevicePointer Reallocate(int output, ulong bytes, ulong alignment, CuStream stream) =>
        throw new InvalidOperationException("An output is to be allocated inside a recording.");

    public void NotifyShape(int output, in TensorShape shape) =>
        throw new InvalidOperationException("An output's shape became known inside a recording.");
}
