using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>A view of a tensor in device memory: type, shape and the block it lies in, as the block was lent.</summary>
/// <remarks>
/// A value: copying it copies the view, not the bytes. It goes stale when its block is returned or, in a pre-allocated set, overwritten by the next call;
/// using a stale view is an error, never a read of somebody else's data.
/// </remarks>
internal readonly struct DeviceTensor(ElementType type, in TensorShape shape, DeviceBlock block)
{
    private readonly int _generation = block.Generation;

    public ElementType Type { get; } = type;

    public TensorShape Shape { get; } = shape;

    public DeviceBlock Block { get; } = block;

    public int Ordinal => Block.Ordinal;

    /// <summary>Size of the tensor; its block may be larger.</summary>
    public ulong Bytes => (ulong)Type.ByteCount(Shape.ElementCount);

    public bool IsStale => Block is null || Block.Generation != _generation;

    /// <exception cref="ObjectDisposedException">The view is stale.</exception>
    public DevicePointer Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsStale, typeof(DeviceTensor));
            return Block.Pointer;
        }
    }

    /// <summary>Gives the memory back to its pool; every copy of the view is stale from now on.</summary>
    public void Return() => Block?.Return(_generation);
}
