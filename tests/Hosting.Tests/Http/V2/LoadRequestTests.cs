using System.Text;
using Microsoft.AspNetCore.Http;
using Troupe.Actors.Models;
using Troupe.Hosting.Http.V2;

namespace Troupe.Hosting.Tests.Http.V2;

public sealed class LoadRequestTests
{
    [Fact]
    public void A_load_brings_along_a_configuration_and_the_files_of_the_models_folder()
    {
        GivenModel? given = Read("""{"parameters":{"config":"{\"max_batch_size\":3}","file:1/model.onnx":"AQID","file:1/a/b.txt":""}}""");
        Assert.Equal("""{"max_batch_size":3}""", Encoding.UTF8.GetString(given!.Configuration.Span));
        Assert.Equal(["1/model.onnx", "1/a/b.txt"], given.Files.Keys);
        Assert.Equal([1, 2, 3], given.Files["1/model.onnx"].ToArray());
        Assert.Equal(given.Configuration.Length + 3, given.Bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{"parameters":{}}""")]
    public void Most_loads_bring_nothing(string body) => Assert.Null(Read(body));

    [Theory]
    [InlineData("file:../x")]
    [InlineData("file:1/../../x")]
    [InlineData("file:1/./x")]
    [InlineData("file:1//x")]
    [InlineData("file:/etc/passwd")]
    [InlineData("file://etc/passwd")]
    [InlineData("file:1/")]
    [InlineData("file:x")]
    [InlineData("file:")]
    [InlineData("file:1\\\\..\\\\x")]
    [InlineData("file:1/..\\\\x")]
    [InlineData("file:1/a\\u0000b")]
    public void A_file_has_a_place_in_the_models_folder(string name)
    {
        BadHttpRequestException refused = Refused($$$"""{"parameters":{"config":"{}","{{{name}}}":"aGVsbG8="}}""");
        Assert.Equal(StatusCodes.Status400BadRequest, refused.StatusCode);
        Assert.Contains("is no place in a model's folder; write file:VERSION/NAME", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"parameters":1}""", "'parameters' is an object")]
    [InlineData("""{"parameters":{"foo":"bar"}}""", "load parameter 'foo' is unknown; a load has 'config' and 'file:VERSION/NAME'")]
    [InlineData("""{"parameters":{"config":{"max_batch_size":2}}}""", "load parameter 'config' is a string")]
    [InlineData("""{"parameters":{"config":"{}","file:1/m":7}}""", "load parameter 'file:1/m' is a string")]
    [InlineData("""{"parameters":{"config":"{}","file:1/m":"!!!!"}}""", "'file:1/m' is not base64")]
    [InlineData("""{"parameters":{"config":"{}","file:1/m":"aGVsbG8"}}""", "'file:1/m' is not base64")]
    [InlineData("""{"parameters":{"file:1/m":"aGVsbG8="}}""", "a load that brings files along has a 'config' too")]
    public void What_is_no_load_is_refused_with_its_reason(string body, string because) =>
        Assert.StartsWith(because, Refused(body).Message, StringComparison.Ordinal);

    [Fact]
    public void A_long_name_is_not_repeated_whole() =>
        Assert.True(Refused($$$"""{"parameters":{"{{{new string('x', 100_000)}}}":"y"}}""").Message.Length < 200);

    private static GivenModel? Read(string body) => LoadRequest.Read(Encoding.UTF8.GetBytes(body));

    private static BadHttpRequestException Refused(string body) => Assert.Throws<BadHttpRequestException>(() => Read(body));
}
