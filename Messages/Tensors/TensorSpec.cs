using MessagePack;

namespace Troupe.Messages.Tensors;

/// <summary>What a model says of one of its tensors: name, type and shape, -1 where a dimension is free.</summary>
[MessagePackObject]
public sealed record TensorSpec([property: Key(0)] string Name, [property: Key(1)] ElementType Type, [property: Key(2)] TensorShape Shape);
