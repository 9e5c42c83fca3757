using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Modes;

public sealed class VersionRuleTests
{
    [Theory]
    [InlineData("newest", "newest")]
    [InlineData(" Newest ", "newest")]
    [InlineData("newest:100%", "newest")]
    [InlineData("newest:50%", "newest:50%")]
    [InlineData("newest: 12.5 %", null)]
    [InlineData("newest:12.5%", "newest:12.5%")]
    [InlineData("newest:0%", null)]
    [InlineData("newest:101%", null)]
    [InlineData("newest:half", null)]
    [InlineData("3", "3")]
    [InlineData("0", null)]
    [InlineData("-1", null)]
    [InlineData("2147483648", null)]
    [InlineData("1=90,2=10", "1=90,2=10")]
    [InlineData("1=90+2=10", "1=90,2=10")]
    [InlineData("7=5", "7")]
    [InlineData("1=0,2=10", "1=0,2=10")]
    [InlineData("1=0,2=0", null)]
    [InlineData("1=0", null)]
    [InlineData("1,2", null)]
    [InlineData("1=1,1=2", null)]
    [InlineData("1=1000001", null)]
    [InlineData("1=", null)]
    [InlineData("=1", null)]
    [InlineData("", null)]
    [InlineData("latest", null)]
    [InlineData("1=1,2=1,3=1,4=1,5=1,6=1,7=1,8=1,9=1,10=1,11=1,12=1,13=1,14=1,15=1,16=1,17=1", null)]
    public void A_text_is_read_in_any_spelling_and_written_in_one(string text, string? written)
    {
        Assert.Equal(written, VersionRule.Read(text)?.ToString());
        if (written is not null)
        {
            Assert.Equal(written, VersionRule.Of(VersionRule.Read(text)!.ToChoice())!.ToString());
        }
    }

    [Theory]
    [InlineData("newest", null, 1)]
    [InlineData("newest", 2, 2)]
    [InlineData("newest", 3, 3)]
    [InlineData("newest:75%", null, 2)]
    [InlineData("newest:50%", null, 2)]
    [InlineData("newest:25%", null, 3)]
    [InlineData("newest:25%", 1, 3)]
    public void The_newest_is_the_highest_on_enough_devices_and_the_present_one_stays(string rule, int? present, int expected) =>
        Assert.Equal(expected, VersionRule.Read(rule)!.Newest([(1, 4), (2, 3), (3, 1)], present));

    [Fact]
    public void Of_no_version_there_is_no_newest() => Assert.Null(VersionRule.Default.Newest([], present: 2));

    [Fact]
    public void Draws_share_as_the_weights_of_those_that_are_held_and_to_the_last()
    {
        VersionRule rule = VersionRule.Read("1=1,2=2,3=1")!;
        Assert.Equal(
            [1, 2, 2, 3],
            new[] { 0u, 1u << 30, 3u << 30 - 1, uint.MaxValue }.Select(draw => rule.Choose(draw, 9, _ => true)!.Value)
        );
        Assert.Equal([2, 3], new[] { 0u, uint.MaxValue }.Select(draw => rule.Choose(draw, 9, number => number > 1)!.Value));
        Assert.Equal(1, rule.Choose(uint.MaxValue, 9, _ => false));
        Assert.Equal([0.25, 0.5, 0.25, 0], new[] { 1, 2, 3, 4 }.Select(number => rule.ShareOf(number, 9, _ => true)));
        Assert.Equal([1, 0], new[] { 9, 1 }.Select(number => VersionRule.Default.ShareOf(number, 9, _ => true)));
    }

    [Fact]
    public void What_is_made_in_code_is_read_back()
    {
        Assert.Equal("newest:30%", VersionRule.Of(VersionChoice.NewestFrom(0.3))!.ToString());
        Assert.Equal("newest", VersionRule.Of(VersionChoice.Newest)!.ToString());
        Assert.Equal("5", VersionRule.Of(VersionChoice.Pinned(5))!.ToString());
        Assert.Equal("1=9,2=1", VersionRule.Of(VersionChoice.Weighted((1, 9), (2, 1)))!.ToString());
        Assert.Null(VersionRule.Of(VersionChoice.Pinned(0)));
        Assert.Null(VersionRule.Of(new VersionChoice("rubbish")));
    }
}
