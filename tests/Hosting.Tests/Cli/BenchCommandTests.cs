using Troupe.Hosting.Cli;
using Troupe.Hosting.Failures;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Tests.Cli;

/// <summary>What <c>troupe bench</c> cannot measure is refused with the way to what it can.</summary>
public sealed class BenchCommandTests
{
    [Theory]
    [InlineData(ElementType.Fp32, new long[] { -1, 1L << 30 })]
    [InlineData(ElementType.Bytes, new long[] { 1L << 30 })]
    [InlineData(ElementType.UInt8, new long[] { 1L << 40, 1L << 40 })]
    public void An_input_too_large_to_make_up_is_refused_and_says_how_to_give_one(ElementType type, long[] shape)
    {
        CliException refused = Assert.Throws<CliException>(() => ModelInputs.Blank(new TensorSpec("x", type, new TensorShape(shape))));
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.EndsWith("is larger than can be sent; give a smaller one with --input x=FILE", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ElementType.Fp32, 24)]
    [InlineData(ElementType.Bytes, 24)]
    [InlineData(ElementType.Int8, 6)]
    public void What_is_free_in_a_shape_is_one(ElementType type, int bytes)
    {
        Tensor blank = ModelInputs.Blank(new TensorSpec("x", type, new TensorShape(-1, 2, 3)));
        Assert.Equal((new TensorShape(1, 2, 3), bytes), (blank.Shape, blank.Data.Length));
    }

    [Fact]
    public void A_node_behind_TLS_is_not_loaded_in_plain_text()
    {
        Assert.Equal(8000, BenchCommand.Plain("http://127.0.0.1:8000").Port);
        CliException refused = Assert.Throws<CliException>(() => BenchCommand.Plain("https://node:8443"));
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.Equal("'https://node:8443': bench speaks plain HTTP only; give the node's own http:// address", refused.Message);
    }
}
