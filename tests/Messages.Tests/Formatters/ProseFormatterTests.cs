using System.Text;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Tests.Formatters;

public sealed class ProseFormatterTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("a short reason")]
    public void What_fits_travels_as_it_is(string? text) => Assert.Same(text, ProseFormatter.Clip(text));

    [Theory]
    [InlineData("x")]
    [InlineData("ö")]
    [InlineData("…")]
    [InlineData("😀")]
    public void What_is_too_long_ends_in_an_ellipsis_between_two_characters(string character)
    {
        string text = string.Concat(Enumerable.Repeat(character, WireLimits.ProseBytes + 1));
        string clipped = ProseFormatter.Clip(text)!;
        int bytes = Encoding.UTF8.GetByteCount(clipped);
        Assert.InRange(bytes, WireLimits.ProseBytes - Encoding.UTF8.GetByteCount(character), WireLimits.ProseBytes);
        Assert.EndsWith("…", clipped, StringComparison.Ordinal);
        Assert.StartsWith(clipped[..^1], text, StringComparison.Ordinal);
        Assert.DoesNotContain('\ufffd', Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(clipped)));
    }

    [Fact]
    public void The_longest_that_fits_is_not_clipped()
    {
        string text = new('x', WireLimits.ProseBytes);
        Assert.Same(text, ProseFormatter.Clip(text));
        Assert.NotSame(text + "x", ProseFormatter.Clip(text + "x"));
    }
}
