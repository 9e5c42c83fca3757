using MessagePack;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Tensors;

/// <summary>What a model says of one of its tensors: name, type and shape, -1 where a dimension is free.</summary>
/// <param name="IsRankFree">Not even the rank is known: any shape fits, and <paramref name="Shape"/> shows one free dimension.</param>
/// <param name="IsOptional">An input that has a value of its own where none is given.</param>
[MessagePackObject]
public sealed record TensorSpec(
    [property: Key(0)] string Name,
    [property: Key(1)] ElementType Type,
    [property: Key(2)] TensorShape Shape,
    [property: Key(3), AddedLater] bool IsRankFree = false,
    [property: Key(4), AddedLater] bool IsOptional = false
)
{
    /// <summary>Whether a tensor of this shape is one that the model takes or gives.</summary>
    public bool Admits(in TensorShape shape) => IsRankFree || shape.Fits(Shape);
}
