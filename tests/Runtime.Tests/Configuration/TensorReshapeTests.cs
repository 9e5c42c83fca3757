using Troupe.Messages.Tensors;
using Troupe.Runtime.Configuration;

namespace Troupe.Runtime.Tests.Configuration;

public sealed class TensorReshapeTests
{
    [Theory]
    [InlineData("1", "", true, "7,1", "7")]
    [InlineData("", "1", true, "7", "7,1")]
    [InlineData("6", "2,3", false, "6", "2,3")]
    [InlineData("-1,4", "-1,2,2", true, "3,5,4", "3,5,2,2")]
    [InlineData("-1,2,-1", "-1,-1,2", false, "5,2,7", "5,7,2")]
    [InlineData("6", "2,3", false, "5", null)]
    [InlineData("6", "2,3", false, "1,6", null)]
    [InlineData("6", "2,3", true, "6", null)]
    public void Free_dimensions_keep_their_order(string from, string to, bool isBatched, string shape, string? expected)
    {
        bool mapped = new TensorReshape(Dims(from), Dims(to), isBatched).TryMap(new TensorShape(Dims(shape)), out TensorShape found);
        Assert.Equal(expected is not null, mapped);
        Assert.Equal(expected is null ? default : new TensorShape(Dims(expected)), found);
    }

    private static long[] Dims(string dims) => [.. dims.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(long.Parse)];
}
