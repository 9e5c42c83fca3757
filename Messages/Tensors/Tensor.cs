using MessagePack;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Tensors;

/// <summary>A named tensor in host memory: type, shape and its bytes, row-major and little-endian.</summary>
/// <remarks>
/// Immutable by contract: whoever makes one gives the bytes away. <see cref="Data"/> has exactly the size that type and shape imply
/// (<see cref="ElementType.Bytes"/>: the V2 length-prefixed form). Checked where tensors enter: edge, wire and lane.
/// </remarks>
[MessagePackObject]
public sealed record Tensor(
    [property: Key(0)] string Name,
    [property: Key(1)] ElementType Type,
    [property: Key(2)] TensorShape Shape,
    [property: Key(3), MessagePackFormatter(typeof(TensorDataFormatter))] ReadOnlyMemory<byte> Data
);
