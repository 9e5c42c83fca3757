using Troupe.Messages.Tensors;

namespace Troupe.Messages.Tests.Tensors;

/// <summary>The walk over length-prefixed elements, on sound and on forged data.</summary>
public sealed class BytesElementsTests
{
    [Fact]
    public void Elements_come_in_order_and_then_the_end()
    {
        byte[] data = [.. BytesElements.Single("ab"u8), .. BytesElements.Single([]), .. BytesElements.Single("c"u8)];
        var elements = new BytesElements(data);
        Assert.Equal(BytesStep.Element, elements.Next());
        Assert.Equal("ab"u8, elements.Current);
        Assert.Equal(BytesStep.Element, elements.Next());
        Assert.Equal(0, elements.Current.Length);
        Assert.Equal(BytesStep.Element, elements.Next());
        Assert.Equal("c"u8, elements.Current);
        Assert.Equal(BytesStep.End, elements.Next());
        Assert.Equal(BytesStep.End, elements.Next());
        Assert.Equal(3, elements.Count);
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0 }, BytesStep.IncompleteLength, 3)]
    [InlineData(new byte[] { 2, 0, 0, 0, 7 }, BytesStep.IncompleteElement, 1)]
    [InlineData(new byte[] { 255, 255, 255, 255, 7 }, BytesStep.IncompleteElement, 1)]
    public void Data_that_ends_early_is_told_with_what_is_left(byte[] data, BytesStep step, int left)
    {
        var elements = new BytesElements(data);
        Assert.Equal(step, elements.Next());
        Assert.Equal((left, 0L), (elements.Left, elements.Count));
    }
}
