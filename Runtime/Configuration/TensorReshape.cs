using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Configuration;

/// <summary>The same elements in another shape: each free dimension of the one is the free dimension of its rank in the other.</summary>
/// <param name="from">Dimensions without the batch.</param>
/// <param name="isBatched">Both begin with the batch.</param>
internal sealed class TensorReshape(long[] from, long[] to, bool isBatched)
{
    private readonly int _batch = isBatched ? 1 : 0;

    public bool TryMap(in TensorShape shape, out TensorShape mapped)
    {
        mapped = default;
        if (shape.Rank != from.Length + _batch)
        {
            return false;
        }

        Span<long> free = stackalloc long[TensorShape.MaxRank];
        int found = 0;
        for (int axis = 0; axis < from.Length; axis++)
        {
            long dimension = shape[axis + _batch];
            if (from[axis] >= 0 && from[axis] != dimension)
            {
                return false;
            }

            if (from[axis] < 0)
            {
                free[found++] = dimension;
            }
        }

        Span<long> dimensions = stackalloc long[to.Length + _batch];
        if (isBatched)
        {
            dimensions[0] = shape[0];
        }

        int used = 0;
        for (int axis = 0; axis < to.Length; axis++)
        {
            dimensions[axis + _batch] = to[axis] >= 0 ? to[axis] : free[used++];
        }

        mapped = new TensorShape(dimensions);
        return true;
    }
}
