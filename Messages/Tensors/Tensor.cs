using MessagePack;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Tensors;

/// <summary>A named tensor in host memory: type, shape and its bytes, row-major and little-endian.</summary>
/// <remarks>
/// Immutable by contract: whoever makes one gives the bytes away. <see cref="Data"/> has exactly the size that type and shape imply
/// (<see cref="ElementType.Bytes"/>: the V2 length-prefixed form). Checked where tensors enter: edge, wire and lane.
/// </remarks>
[MessagePackObject]
public sealed record Tensor
{
    /// <summary>A tensor that owns its bytes.</summary>
    public Tensor(string name, ElementType type, TensorShape shape, ReadOnlyMemory<byte> data)
        : this(name, type, shape, Own(data, shape)) { }

    /// <summary>A tensor of any payload.</summary>
    public Tensor(string name, ElementType type, TensorShape shape, TensorPayload payload) =>
        (Name, Type, Shape, Payload) = (name, type, shape, payload);

    [Key(0)]
    public string Name { get; init; }

    [Key(1)]
    public ElementType Type { get; init; }

    [Key(2)]
    public TensorShape Shape { get; init; }

    /// <summary>The bytes, wherever they are.</summary>
    /// <exception cref="TensorLeaseException">They were on lease, which is over.</exception>
    [Key(3), MessagePackFormatter(typeof(TensorDataFormatter))]
    public ReadOnlyMemory<byte> Data
    {
        get => Payload.Bytes;
        init => Payload = Own(value, Shape);
    }

    /// <summary>Where the bytes are, and whose.</summary>
    [IgnoreMember]
    public TensorPayload Payload { get; init; }

    /// <summary>The lease that the bytes are on; null where they are the tensor's own.</summary>
    [IgnoreMember]
    public TensorLease? Lease => (Payload as TensorPayload.Leased)?.Lease;

    /// <summary>What it is: to say so needs none of its bytes.</summary>
    public override string ToString() => $"{Name} {Type} {Shape}, {Payload}";

    private static TensorPayload.Inline Own(ReadOnlyMemory<byte> data, in TensorShape shape) =>
        new(data, shape.TryGetElementCount(out long elements) ? elements : 0);
}
