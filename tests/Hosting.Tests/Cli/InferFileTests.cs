using System.Text;
using System.Text.Json;
using Troupe.Hosting.Cli;
using Troupe.Hosting.Failures;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Tests.Cli;

/// <summary>A V2 request from a file: where its JSON ends, and what is refused before a node is asked.</summary>
public sealed class InferFileTests
{
    [Theory]
    [InlineData("{}", 2, 2)]
    [InlineData("{\"inputs\": []}\r\n", 16, 16)]
    [InlineData(" {\"a\":\"}\"} \n\t", 13, 13)]
    [InlineData("{\"a\":1}\0\0\0\0", 11, 7)]
    [InlineData("{\"a\":1}{\"b\":2}", 14, 7)]
    public void Json_alone_is_the_whole_file_and_tensors_begin_where_it_ends(string text, int bytes, int json)
    {
        InferFile file = Read(Encoding.UTF8.GetBytes(text));
        Assert.Equal((bytes, json), (file.Bytes.Length, file.HeaderLength));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[1, 2]")]
    [InlineData("{\"inputs\": [")]
    [InlineData("{\"inputs\": nothing}")]
    [InlineData("\u0089PNG")]
    public void What_does_not_begin_with_a_json_object_is_refused_with_the_form(string text)
    {
        CliException refused = Assert.Throws<CliException>(() => Read(Encoding.UTF8.GetBytes(text)));
        Assert.Equal(ExitCode.Usage, refused.Code);
        Assert.StartsWith("--request: '", refused.Message, StringComparison.Ordinal);
        Assert.Contains("is not a V2 request", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_has_its_own_exit_code() =>
        Assert.Equal(ExitCode.PathNotFound, Assert.Throws<CliException>(() => InferFile.Read("/no/such.json")).Code);

    [Fact]
    public void Tensors_become_json_and_their_bytes_after_it()
    {
        InferFile file = InferFile.Of([new Tensor("x", ElementType.Int32, new TensorShape(2), new byte[8])]);
        Assert.Equal(file.HeaderLength, InferFile.JsonLength(file.Bytes));
        Assert.Equal(8, file.Bytes.Length - file.HeaderLength);
        JsonElement input = JsonDocument.Parse(file.Bytes.AsMemory(0, file.HeaderLength)).RootElement.GetProperty("inputs")[0];
        Assert.Equal(8, input.GetProperty("parameters").GetProperty("binary_data_size").GetInt32());
    }

    private static InferFile Read(byte[] content)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, content);
            return InferFile.Read(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
