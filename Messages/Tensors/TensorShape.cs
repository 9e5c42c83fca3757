using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MessagePack;

namespace Troupe.Messages.Tensors;

/// <summary>Dimensions of a tensor, up to rank 8, held inline: a shape never allocates.</summary>
/// <remarks>A dimension of -1 means "not known yet" and stands only in specs. Rank 0 is a scalar of one element.</remarks>
[MessagePackFormatter(typeof(TensorShapeFormatter))]
public readonly struct TensorShape : IEquatable<TensorShape>
{
    /// <summary>Highest rank: TensorRT's <c>Dims::MAX_DIMS</c>.</summary>
    public const int MaxRank = 8;

    private readonly Dimensions _dimensions;
    private readonly int _rank;

    public TensorShape(params ReadOnlySpan<long> dimensions)
    {
        if (dimensions.Length > MaxRank)
        {
            throw new ArgumentException($"A shape has at most {MaxRank} dimensions, this one has {dimensions.Length}.", nameof(dimensions));
        }

        foreach (long dimension in dimensions)
        {
            if (dimension < -1)
            {
                throw new ArgumentException($"A dimension is at least 0, or -1 where it is not known: {dimension}.", nameof(dimensions));
            }
        }

        dimensions.CopyTo(_dimensions);
        _rank = dimensions.Length;
    }

    public int Rank => _rank;

    public long this[int axis] => (uint)axis < (uint)_rank ? _dimensions[axis] : throw new ArgumentOutOfRangeException(nameof(axis));

    /// <summary>The dimensions, viewed in place.</summary>
    [UnscopedRef]
    public ReadOnlySpan<long> Span => ((ReadOnlySpan<long>)_dimensions)[.._rank];

    /// <summary>True when no dimension is -1.</summary>
    public bool IsConcrete => !Span.Contains(-1);

    /// <summary>Whether it has the rank of a spec and each of its dimensions that is not free there.</summary>
    public bool Fits(in TensorShape spec)
    {
        if (_rank != spec._rank)
        {
            return false;
        }

        for (int axis = 0; axis < _rank; axis++)
        {
            if (spec._dimensions[axis] >= 0 && spec._dimensions[axis] != _dimensions[axis])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Number of elements; throws <see cref="OverflowException"/> past 2^63 and <see cref="InvalidOperationException"/> where a
    /// dimension is -1.</summary>
    public long ElementCount =>
        TryGetElementCount(out long count)
            ? count
            : throw (
                IsConcrete
                    ? new OverflowException($"The shape {this} has more elements than can be counted.")
                    : new InvalidOperationException($"The shape {this} is not concrete.")
            );

    /// <summary>Number of elements; false where a dimension is -1 or there are 2^63 or more. A dimension of 0 makes it 0, whatever the
    /// others are.</summary>
    public bool TryGetElementCount(out long count)
    {
        count = Span.Contains(0) ? 0 : 1;
        foreach (long dimension in Span)
        {
            if (dimension < 0 || Math.BigMul(count, dimension, out long product) != 0 || product < 0)
            {
                count = 0;
                return false;
            }

            count = product;
        }

        return true;
    }

    public bool Equals(TensorShape other) => Span.SequenceEqual(other.Span);

    public override bool Equals(object? obj) => obj is TensorShape other && Equals(other);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (long dimension in Span)
        {
            hash.Add(dimension);
        }

        return hash.ToHashCode();
    }

    public static bool operator ==(TensorShape left, TensorShape right) => left.Equals(right);

    public static bool operator !=(TensorShape left, TensorShape right) => !left.Equals(right);

    /// <summary>Writes <c>[1,28,28]</c>, as the V2 protocol's errors do.</summary>
    public override string ToString() => $"[{string.Join(',', Span.ToArray())}]";

    [InlineArray(MaxRank)]
    private struct Dimensions
    {
        private long _element;
    }
}
