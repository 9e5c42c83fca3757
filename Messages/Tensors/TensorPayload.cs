using System.Runtime.InteropServices;

namespace Troupe.Messages.Tensors;

/// <summary>The bytes of a tensor: where they are, and whose. Each kind says how many bytes and elements there are, of
/// <see cref="ElementType.Bytes"/> too, whose elements are its strings.</summary>
public abstract record TensorPayload
{
    private TensorPayload(long length, long elements) => (Length, Elements) = (length, elements);

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>Elements; strings of <see cref="ElementType.Bytes"/>.</summary>
    public long Elements { get; }

    /// <summary>The bytes themselves.</summary>
    /// <exception cref="TensorLeaseException">They were on lease, which is over.</exception>
    public abstract ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>How many bytes there are: to say so needs none of them.</summary>
    public sealed override string ToString() => $"{Length} bytes";

    /// <summary>A part of a lease as a lease of its own, which keeps the block; any other bytes as they are.</summary>
    /// <param name="shape">What it is the payload of; where it cannot be counted, there are no elements.</param>
    public static TensorPayload Of(ReadOnlyMemory<byte> bytes, in TensorShape shape)
    {
        _ = shape.TryGetElementCount(out long elements);
        return MemoryMarshal.TryGetMemoryManager(bytes, out TensorLease? lease, out int start, out int length)
            ? new Leased(lease.Part(start, length), elements)
            : new Inline(bytes, elements);
    }

    /// <summary>Bytes of the tensor's own: it may be kept and sent as often as one likes.</summary>
    public sealed record Inline : TensorPayload
    {
        public Inline(ReadOnlyMemory<byte> bytes, long elements)
            : base(bytes.Length, elements) => Bytes = bytes;

        public override ReadOnlyMemory<byte> Bytes { get; }
    }

    /// <summary>Bytes on lease: whoever has the tensor hands it on once, or releases it. Between nodes they travel inline.</summary>
    public sealed record Leased : TensorPayload
    {
        public Leased(TensorLease lease, long elements)
            : base(lease.Length, elements) => Lease = lease;

        public TensorLease Lease { get; }

        public override ReadOnlyMemory<byte> Bytes => Lease.Memory;
    }
}
