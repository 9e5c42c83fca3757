using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Engines;

/// <summary>One optimization profile: for every input the least, typical and greatest shape it was built for.</summary>
/// <param name="Ranges">By input, in the engine's order.</param>
internal sealed record ProfileSpec(int Index, IReadOnlyList<ProfileRange> Ranges);

/// <summary>The shapes (for a shape tensor: the values) that a profile admits for one input, bounds included.</summary>
internal sealed record ProfileRange(TensorShape Min, TensorShape Opt, TensorShape Max)
{
    /// <summary>The range that admits every shape of this rank with these fixed dimensions.</summary>
    public static ProfileRange Any(in TensorShape shape)
    {
        Span<long> least = stackalloc long[shape.Rank];
        Span<long> greatest = stackalloc long[shape.Rank];
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            least[axis] = Math.Max(shape[axis], 0);
            greatest[axis] = shape[axis] < 0 ? int.MaxValue : shape[axis];
        }

        return new ProfileRange(new TensorShape(least), new TensorShape(least), new TensorShape(greatest));
    }

    public bool Admits(in TensorShape shape)
    {
        if (shape.Rank != Min.Rank)
        {
            return false;
        }

        ReadOnlySpan<long> dimensions = shape.Span;
        for (int axis = 0; axis < dimensions.Length; axis++)
        {
            if (dimensions[axis] < Min.Span[axis] || dimensions[axis] > Max.Span[axis])
            {
                return false;
            }
        }

        return true;
    }
}
