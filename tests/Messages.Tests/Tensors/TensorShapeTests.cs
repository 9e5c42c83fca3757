using CsCheck;
using Troupe.Messages.Tensors;

namespace Troupe.Messages.Tests.Tensors;

public sealed class TensorShapeTests
{
    [Fact]
    public void A_scalar_has_one_element_and_no_dimension()
    {
        TensorShape scalar = default;
        Assert.Equal((0, 1L, "[]"), (scalar.Rank, scalar.ElementCount, scalar.ToString()));
        Assert.Equal(new TensorShape(), scalar);
    }

    [Fact]
    public void Dimensions_are_kept_in_order_up_to_rank_8()
    {
        TensorShape shape = new(1, 2, 3, 4, 5, 6, 7, 8);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], shape.Span.ToArray());
        Assert.Equal(40320, shape.ElementCount);
        Assert.Equal(8, shape[7]);
        Assert.Throws<ArgumentOutOfRangeException>(() => shape[8]);
        Assert.Throws<ArgumentException>(() => new TensorShape(1, 1, 1, 1, 1, 1, 1, 1, 1));
        Assert.Throws<ArgumentException>(() => new TensorShape(-2));
    }

    [Theory]
    [InlineData(new long[] { 1L << 62, 2 }, false, 0)]
    [InlineData(new long[] { 1L << 32, 1L << 32 }, false, 0)]
    [InlineData(new long[] { long.MaxValue, long.MaxValue, 0 }, true, 0)]
    [InlineData(new long[] { long.MaxValue, 1 }, true, long.MaxValue)]
    [InlineData(new long[] { 1L << 62, 1 }, true, 1L << 62)]
    [InlineData(new long[] { 3, -1 }, false, 0)]
    [InlineData(new long[] { 0, -1 }, false, 0)]
    public void Elements_are_counted_or_the_count_is_refused(long[] dimensions, bool countable, long count)
    {
        TensorShape shape = new(dimensions);
        Assert.Equal((countable, count), (shape.TryGetElementCount(out long found), found));
        if (!countable)
        {
            Assert.ThrowsAny<Exception>(() => shape.ElementCount);
        }
    }

    [Fact]
    public void Shapes_are_equal_when_their_dimensions_are() =>
        Gen.Select(Gen.Long[-1, 5].Array[0, 8], Gen.Long[-1, 5].Array[0, 8])
            .Sample(
                (left, right) =>
                {
                    TensorShape a = new(left),
                        b = new(right);
                    Assert.Equal(left.SequenceEqual(right), a == b);
                    Assert.Equal(a, new TensorShape(left));
                    Assert.Equal(a.GetHashCode(), new TensorShape(left).GetHashCode());
                    Assert.Equal(!left.Contains(-1), a.IsConcrete);
                }
            );

    [Fact]
    public void The_count_agrees_with_arbitrary_precision() =>
        Gen.Long[0, long.MaxValue]
            .Array[0, 8]
            .Sample(dimensions =>
            {
                System.Numerics.BigInteger product = dimensions.Aggregate(
                    System.Numerics.BigInteger.One,
                    (count, dimension) => count * dimension
                );
                Assert.Equal(product <= long.MaxValue, new TensorShape(dimensions).TryGetElementCount(out long count));
                Assert.Equal(product <= long.MaxValue ? (long)product : 0, count);
            });

    [Theory]
    [InlineData(new long[] { 2, 3 }, new long[] { 2, 3 }, true)]
    [InlineData(new long[] { 2, 3 }, new long[] { -1, 3 }, true)]
    [InlineData(new long[] { 0, 3 }, new long[] { -1, -1 }, true)]
    [InlineData(new long[] { -1, 3 }, new long[] { -1, 3 }, true)]
    [InlineData(new long[] { }, new long[] { }, true)]
    [InlineData(new long[] { -1, 3 }, new long[] { 2, 3 }, false)]
    [InlineData(new long[] { 2, 3 }, new long[] { 3, 2 }, false)]
    [InlineData(new long[] { 2, 3 }, new long[] { 2 }, false)]
    [InlineData(new long[] { }, new long[] { -1 }, false)]
    public void A_shape_fits_a_spec_of_its_rank_whose_fixed_dimensions_it_has(long[] shape, long[] spec, bool fits) =>
        Assert.Equal(fits, new TensorShape(shape).Fits(new TensorShape(spec)));
}
