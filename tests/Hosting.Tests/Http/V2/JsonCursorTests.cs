using System.Text;
using Troupe.Hosting.Http.V2;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>What the protocol's JSON allows beyond the standard, and what it refuses in spite of it.</summary>
public sealed class JsonCursorTests
{
    [Theory]
    [InlineData("""{"a":[1,-2.5e3,true,false,null,"x"],"b":{}}""")]
    [InlineData("[NaN,Infinity,-Infinity]")]
    [InlineData("\uFEFF [ ] ")]
    [InlineData("[1]\0anything")]
    public void A_value_is_passed_over_whole(string json)
    {
        JsonCursor cursor = new(Encoding.UTF8.GetBytes(json));

        cursor.SkipValue();
        cursor.ExpectEnd();
    }

    [Theory]
    [InlineData("", "a value is missing at 0")]
    [InlineData("[1,]", "a value is missing after a comma at 3")]
    [InlineData("[1 2]", "missing a comma or ']' after an array element at 3")]
    [InlineData("{\"a\" 1}", "missing a colon after a name of an object member at 5")]
    [InlineData("{1:2}", "missing a name for an object member at 1")]
    [InlineData("[01]", "missing a comma or ']' after an array element at 2")]
    [InlineData("[1.]", "missing fraction part in number at 3")]
    [InlineData("[1e]", "missing exponent in number at 3")]
    [InlineData("\"a", "missing a closing quotation mark in string at 1")]
    [InlineData("\"\\x\"", "invalid escape character in string at 1")]
    [InlineData("\"\\u12G4\"", "incorrect hex digit after \\u escape in string at 1")]
    [InlineData("\"\n\"", "invalid control character in string at 1")]
    [InlineData("[1]]", "the document root must not be followed by other values at 3")]
    [InlineData("[1]//", "the document root must not be followed by other values at 3")]
    [InlineData("nul", "invalid value at 0")]
    public void What_is_not_json_is_refused_with_its_place(string json, string words) =>
        Assert.Equal(
            "failed to parse the request JSON buffer: " + words,
            Assert
                .Throws<ProtocolException>(() =>
                {
                    JsonCursor cursor = new(Encoding.UTF8.GetBytes(json));
                    cursor.SkipValue();
                    cursor.ExpectEnd();
                })
                .Message
        );

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void Nesting_has_a_bound(int depth, bool taken)
    {
        byte[] json = Encoding.ASCII.GetBytes(new string('[', depth) + new string(']', depth));
        Exception? refused = Record.Exception(() => new JsonCursor(json).SkipValue());

        Assert.Equal(taken, refused is null);
    }

    [Theory]
    [InlineData("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t")]
    [InlineData("\"\\u00e9\\ud83d\\ude00\"", "é😀")]
    public void Escapes_are_read(string json, string text)
    {
        JsonCursor cursor = new(Encoding.UTF8.GetBytes(json));

        Assert.Equal(text, cursor.ReadString());
    }

    [Theory]
    [InlineData("1e400")]
    [InlineData("-1e400")]
    public void A_number_past_a_double_is_refused(string json) =>
        Assert.Throws<ProtocolException>(() =>
        {
            JsonCursor cursor = new(Encoding.UTF8.GetBytes(json));
            cursor.ToDouble(cursor.ReadNumber());
        });
}
