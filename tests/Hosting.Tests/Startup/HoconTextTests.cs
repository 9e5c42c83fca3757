using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Tests.Startup;

public sealed class HoconTextTests
{
    [Theory]
    [InlineData("")]
    [InlineData("a { b = [1, {c: 2}] } # { [ \"\nd = x // ]")]
    [InlineData("a = \"{ \\\" [\", b = \"\"\"{ \n \" [\"\"\"")]
    [InlineData("path = /a/b, url = a/b")]
    public void What_is_closed_is_no_problem(string text) => Assert.Null(HoconText.Problem(text));

    [Theory]
    [InlineData("a {\nb {\n}", "'{' in line 1 is not closed")]
    [InlineData("a = [", "'[' in line 1 is not closed")]
    [InlineData("a }\n", "'}' in line 1 closes nothing")]
    [InlineData("a {\n b = [ }\n]", "'}' in line 2 closes nothing")]
    [InlineData("\na = \"x\nb = 2", "the text that begins in line 2 is not closed")]
    [InlineData("a = \"x\\\"", "the text that begins in line 1 is not closed")]
    [InlineData("a = \"\"\"x\"", "the text that begins in line 1 is not closed")]
    public void What_is_not_is_named_with_its_line(string text, string problem) => Assert.Equal(problem, HoconText.Problem(text));

    [Fact]
    public void The_shipped_file_is_closed() =>
        Assert.Null(HoconText.Problem(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "akka.hocon"))));
}
