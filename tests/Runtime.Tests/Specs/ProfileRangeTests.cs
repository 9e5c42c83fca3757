using CsCheck;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Tests.Specs;

public sealed class ProfileRangeTests
{
    private static readonly ProfileRange Range = new(new TensorShape(1, 4), new TensorShape(2, 4), new TensorShape(8, 4));

    [Theory]
    [InlineData(true, 1L, 4L)]
    [InlineData(true, 8L, 4L)]
    [InlineData(false, 0L, 4L)]
    [InlineData(false, 9L, 4L)]
    [InlineData(false, 4L, 5L)]
    [InlineData(false, 4L)]
    [InlineData(false, 4L, 4L, 1L)]
    public void Bounds_are_included_and_ranks_must_be_equal(bool admitted, params long[] shape) =>
        Assert.Equal(admitted, Range.Admits(new TensorShape(shape)));

    [Fact]
    public void Every_shape_of_its_rank_and_fixed_dimensions_is_admitted_by_any() =>
        Gen.Long[0, 1000]
            .Array[2]
            .Sample(free =>
            {
                ProfileRange any = ProfileRange.Any(new TensorShape(-1, 3, -1));
                Assert.True(any.Admits(new TensorShape(free[0], 3, free[1])));
                Assert.False(any.Admits(new TensorShape(free[0], 4, free[1])));
            });

    [Fact]
    public void Values_that_a_profile_leaves_open_are_admitted()
    {
        Assert.True(ProfileRange.AnyValues.AdmitsValues([1_000_000, -3]));
        Assert.False(Range.AdmitsValues([0, 4]));
        Assert.True(Range.AdmitsValues([8, 4]));
    }

    [Fact]
    public void A_profile_that_is_not_there_is_refused_in_the_words_of_the_seed()
    {
        Runtime.Failures.ForwardException refused = ProfileSpec.OutOfRange(7, 2);
        Assert.Equal((FailureKind.InvalidRequest, "Optimization profile index 7 out of range [0, 2)"), (refused.Kind, refused.Message));
    }
}
