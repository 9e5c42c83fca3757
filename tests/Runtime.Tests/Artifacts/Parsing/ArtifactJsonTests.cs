using System.Text;
using System.Text.Json;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Tests.Artifacts.Parsing;

/// <summary>JSON of an artifact is read strictly: each wrong kind is an error that names its place, and limits hold.</summary>
public sealed class ArtifactJsonTests
{
    private const string Good = """
        { "name": "a", "escaped": "a\u0062", "size": 7, "on": true, "nothing": null, "list": [1, 2], "union": { "x": null, "y": 3 }, "newer": {} }
        """;

    [Fact]
    public void Values_are_read_as_what_they_are_and_keys_of_newer_writers_are_passed_over()
    {
        ArtifactJson root = Read(Good);
        Assert.Equal("a", root.Text("name"));
        Assert.Equal("ab", Encoding.UTF8.GetString(root.At("escaped").Utf8().Span));
        Assert.Equal(7, root.Ordinal("size"));
        Assert.True(root.Flag("on"));
        Assert.Null(root.Find("nothing"));
        Assert.Null(root.Ordinal("absent"));
        Assert.Equal("otherwise", root.TextOr("absent", "otherwise"));
        Assert.Equal([1L, 2L], root.Items("list", required: true).Select(item => item.Number()));
        Assert.Empty(root.Items("absent", required: false));
        (string name, ArtifactJson value) = root.At("union").Union();
        Assert.Equal(("y", 3L), (name, value.Number()));
        Assert.Equal(["name", "escaped", "size", "on", "nothing", "list", "union", "newer"], root.Members().Select(member => member.Name));
    }

    [Theory]
    [InlineData("text", "file.json.size: the value is the number 7, not a text")]
    [InlineData("number", "file.json.name: the value is a text, not a whole number")]
    [InlineData("flag", "file.json.size: the value is the number 7, not true or false")]
    [InlineData("list", "file.json.name: the value is a text, not a list")]
    [InlineData("object", "file.json.name: the value is a text, not an object")]
    [InlineData("missing", "file.json: 'absent' is missing")]
    [InlineData("union", "file.json.name: the value is a text, not an object with one key")]
    [InlineData("element", "file.json.list[1]: the value is the number 2, not a text")]
    public void What_is_wrong_is_named_with_its_place(string how, string expected)
    {
        ArtifactJson root = Read(Good);
        ArtifactException refused = Assert.Throws<ArtifactException>(() =>
        {
            _ = how switch
            {
                "text" => root.Text("size"),
                "number" => root.At("name").Number(),
                "flag" => root.Flag("size"),
                "list" => root.At("name").Items(),
                "object" => root.At("name").Members(),
                "missing" => root.At("absent"),
                "union" => root.At("name").Union(),
                _ => (object?)root.Items("list", required: true).Last().Text(),
            };
        });
        Assert.StartsWith(expected, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"a\": 1, \"a\": 2}")]
    [InlineData("")]
    public void Broken_and_ambiguous_text_is_refused(string text) =>
        Assert.Equal(
            ArtifactFault.Corrupt,
            Assert.Throws<ArtifactException>(() => ArtifactJson.Parse(Encoding.UTF8.GetBytes(text), "file.json")).Fault
        );

    [Fact]
    public void Text_that_is_no_Unicode_is_refused()
    {
        ArtifactJson root = Read("{ \"a\": \"\\ud800\" }");
        Assert.Contains("not valid Unicode", Assert.Throws<ArtifactException>(() => root.Text("a")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_has_a_limit()
    {
        string deep = new string('[', ArtifactLimits.Default.JsonDepth + 1) + new string(']', ArtifactLimits.Default.JsonDepth + 1);
        Assert.Throws<ArtifactException>(() => ArtifactJson.Parse(Encoding.UTF8.GetBytes(deep), "file.json"));
    }

    private static ArtifactJson Read(string text)
    {
        JsonDocument document = ArtifactJson.Parse(Encoding.UTF8.GetBytes(text), "file.json");
        return new ArtifactJson(document.RootElement, "file.json");
    }
}
