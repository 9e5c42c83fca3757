using Troupe.Hosting.Options;

namespace Troupe.Hosting.Tests.Options;

/// <summary>The spellings of <c>--devices</c>; those of earlier versions are read for ever.</summary>
public sealed class DeviceChoiceTests
{
    [Theory]
    [InlineData("auto", "auto")]
    [InlineData("cuda", "cuda")]
    [InlineData("emulated:1", "emulated:1")]
    [InlineData("emulated:64", "emulated:64")]
    [InlineData("emulated", "emulated:2")]
    [InlineData("host:1", "emulated:1")]
    [InlineData("host:64", "emulated:64")]
    [InlineData("host", "emulated:2")]
    public void A_spelling_is_read_and_written_as_the_one_of_today(string text, string written)
    {
        Assert.True(DeviceChoice.TryParse(text, out DeviceChoice? choice));
        Assert.Equal(written, choice.ToString());
        Assert.True(DeviceChoice.TryParse(choice.ToString(), out DeviceChoice? again));
        Assert.Equal(choice, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("emulated:")]
    [InlineData("emulated:0")]
    [InlineData("emulated:65")]
    [InlineData("emulated:+1")]
    [InlineData("emulated: 1")]
    [InlineData("Emulated:1")]
    [InlineData("host:")]
    [InlineData("host:0")]
    [InlineData("hosts:1")]
    [InlineData("cuda:1")]
    [InlineData(":1")]
    public void Anything_else_is_refused(string text) => Assert.False(DeviceChoice.TryParse(text, out _));
}
