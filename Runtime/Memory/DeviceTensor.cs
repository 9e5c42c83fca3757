using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>A view of a tensor in device memory: type, shape and the block it lies in, as the block was lent.</summary>
/// <remarks>
/// A value: copying it copies the view, not the bytes. It goes stale when its block is returned or, in a pre-allocated set, overwritten by
/// the next call;
/// using a stale view is an error, never a read of somebody else's data.
/// </remarks>
/// <param name="offset">Bytes from the start of the block: a view of a part of it, e.g. one entry of a batch.</param>
internal readonly struct DeviceTensor(ElementType type, in TensorShape shape, DeviceBlock block, ulong offset = 0)
{
    private readonly int _generation = block.Generation;

    public ElementType Type { get; } = type;

    public TensorShape Shape { get; } = shape;

    public DeviceBlock Block { get; } = block;

    public ulong Offset { get; } = offset;

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
            return Block.Pointer + Offset;
        }
    }

    /// <summary>A view of a part of this tensor's memory, contiguous from <paramref name="offset"/> bytes on; it lives as long as this
    /// one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The part does not lie inside this tensor.</exception>
    public DeviceTensor Part(ulong offset, in TensorShape shape)
    {
        ulong bytes = (ulong)Type.ByteCount(shape.ElementCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Bytes - offset);
        ObjectDisposedException.ThrowIf(IsStale, typeof(DeviceTensor));
        return new DeviceTensor(Type, shape, Block, Offset + offset);
    }

    /// <summary>Gives the memory back to its pool; every copy of the view is stale from now on.</summary>
    public void Return() => Block?.Return(_generation);
}
