using Troupe.Messages.Identity;

namespace Troupe.Messages.Tests.Identity;

public sealed class GpuIdTests
{
    [Theory]
    [InlineData("10.0.0.1:4053/0", "10.0.0.1:4053", 0)]
    [InlineData("[::1]:4053/12", "[::1]:4053", 12)]
    [InlineData("a/b/3", "a/b", 3)]
    public void What_is_written_is_read(string text, string node, int ordinal)
    {
        Assert.True(GpuId.TryParse(text, out GpuId gpu));
        Assert.Equal(new GpuId(new NodeId(node), ordinal), gpu);
        Assert.Equal(text, gpu.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/0")]
    [InlineData("host:1")]
    [InlineData("host:1/")]
    [InlineData("host:1/-1")]
    [InlineData("host:1/+1")]
    [InlineData("host:1/ 1")]
    [InlineData("host:1/99999999999")]
    public void Anything_else_is_refused(string? text)
    {
        Assert.False(GpuId.TryParse(text, out GpuId gpu));
        Assert.Equal(default, gpu);
    }
}
