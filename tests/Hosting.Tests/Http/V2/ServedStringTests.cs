using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Troupe.Hosting.Http.V2;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>Tensors of type BYTES through a whole node, in each form that a client may send and ask for them.</summary>
public sealed class ServedStringTests : IAsyncLifetime
{
    private readonly ModuleFolder _repository = new();
    private ServedNode _node = null!;

    public async ValueTask InitializeAsync()
    {
        TinyModels.Texts().Save(Path.Combine(_repository.Path, "texts", "1", "model.onnx"));
        _repository.Write("texts/config.pbtxt", "output { name: 'y' label_filename: 'labels.txt' }");
        _repository.Write("texts/labels.txt", "first\n");
        TinyModels.TextsAndNumbers().Save(Path.Combine(_repository.Path, "numbers", "1", "model.onnx"));
        foreach ((string name, object[] shape) in ((string, object[])[])[("one", [1]), ("batched", ["n", 1])])
        {
            new TinyOnnx()
                .Input("x", TinyOnnx.Element.String, shape)
                .Output("y", TinyOnnx.Element.String, shape)
                .Node("Identity", ["x"], ["y"])
                .Save(Path.Combine(_repository.Path, name, "1", "model.onnx"));
        }

        TinyModels.Texts().Save(Path.Combine(_repository.Path, "reshaped", "1", "model.onnx"));
        _repository.Write(
            "reshaped/config.pbtxt",
            "max_batch_size: 4 input { name: 'x' dims: 1 reshape { shape: [] } } output { name: 'y' dims: 1 reshape { shape: [] } }"
        );
        _repository.Write(
            "one/config.pbtxt",
            "model_warmup { name: 'w' inputs { key: 'x' value { data_type: TYPE_STRING dims: 1 zero_data: true } } }"
                + " model_warmup { name: 'file' inputs { key: 'x' value { data_type: TYPE_STRING dims: 1 input_data_file: 'x' } } }"
        );
        Directory.CreateDirectory(Path.Combine(_repository.Path, "one", "warmup"));
        _repository.Write("one/warmup/x", [2, 0, 0, 0, (byte)'h', (byte)'i']);
        _node = await ServedNode.StartAsync(_repository.Path, "texts", "numbers", "one", "batched", "reshaped");
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _repository.Dispose();
    }

    [Fact]
    public async Task Json_strings_and_numbers_go_in_and_out_together()
    {
        JsonElement answer = await _node.AskAsync(
            "POST",
            "/v2/models/numbers/infer",
            """
            {"inputs":[{"name":"x","datatype":"INT64","shape":[2],"data":[5,6]},
                       {"name":"text","datatype":"BYTES","shape":[2],"data":["1",["-20"]]}]}
            """
        );
        Assert.Equal(
            """[{"name":"doubled","datatype":"BYTES","shape":[2],"data":["2","-40"]},{"name":"sum","datatype":"INT64","shape":[2],"data":[6,-14]}]""",
            answer.GetProperty("outputs").GetRawText()
        );
    }

    [Fact]
    public async Task Bytes_that_are_no_text_pass_unchanged_as_binary_and_inside_json()
    {
        byte[] strings = [2, 0, 0, 0, 0xC3, 0x28, 0, 0, 0, 0, 1, 0, 0, 0, 0xFF];
        (_, byte[] head, byte[] tail) = await SendAsync(Request(3, strings, isBinary: true));
        Assert.Equal(strings, tail);
        Assert.Contains("\"binary_data_size\":15", Encoding.UTF8.GetString(head), StringComparison.Ordinal);

        (_, head, _) = await SendAsync(Request(3, strings, isBinary: false));
        Assert.True(head.AsSpan().IndexOf((ReadOnlySpan<byte>)[.. "[\""u8, 0xC3, 0x28, .. "\",\"\",\""u8, 0xFF, .. "\"]"u8]) >= 0);
    }

    [Fact]
    public async Task Strings_are_reshaped_as_other_elements_are()
    {
        JsonElement answer = await _node.AskAsync(
            "POST",
            "/v2/models/reshaped/infer",
            """{"inputs":[{"name":"x","datatype":"BYTES","shape":[2,1],"data":["a","b"]}]}"""
        );
        Assert.Equal("""[{"name":"y","datatype":"BYTES","shape":[2,1],"data":["a","b"]}]""", answer.GetProperty("outputs").GetRawText());
    }

    [Theory]
    [InlineData("one")]
    [InlineData("batched")]
    public async Task A_raw_request_is_one_string_where_the_model_takes_one(string model)
    {
        (int status, _, byte[] tail) = await SendAsync(("any text"u8.ToArray(), 0), model);
        Assert.Equal((200, "08000000616E792074657874"), (status, Convert.ToHexString(tail)));
        (status, byte[] head, _) = await SendAsync(("any text"u8.ToArray(), 0));
        Assert.Equal(400, status);
        Assert.Contains("the model must have input shape [1]", Encoding.UTF8.GetString(head), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_million_empty_strings_come_back()
    {
        const int count = 1_000_000;
        (int status, _, byte[] tail) = await SendAsync(Request(count, new byte[4 * count], isBinary: true));
        Assert.Equal((200, 4 * count, -1), (status, tail.Length, tail.AsSpan().IndexOfAnyExcept((byte)0)));
    }

    [Theory]
    [InlineData(1, 1 << 30, "expecting string of length 1073741824 but only 3 bytes available")]
    [InlineData(1, -1, "expecting string of length 4294967295 but only 3 bytes available")]
    [InlineData(1, 1, "incomplete string length indicator")]
    [InlineData(2, 3, "unexpected number of string elements 1 for inference input 'x' for model 'texts', expecting 2")]
    [InlineData(int.MaxValue, 3, "unexpected number of string elements 1")]
    public async Task Lengths_that_are_not_true_are_the_caller_s_fault(long count, int length, string why)
    {
        byte[] strings = [0, 0, 0, 0, (byte)'a', (byte)'b', (byte)'c'];
        BinaryPrimitives.WriteInt32LittleEndian(strings, length);
        (int status, byte[] head, _) = await SendAsync(Request(count, strings, isBinary: true));
        Assert.Equal(400, status);
        Assert.Contains(why, Encoding.UTF8.GetString(head), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Strings_have_no_classes()
    {
        (int status, JsonElement answer) = await _node.SendAsync(
            "POST",
            "/v2/models/texts/infer",
            """{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":["a"]}],"outputs":[{"name":"y","parameters":{"classification":1}}]}"""
        );
        Assert.Equal(400, status);
        Assert.Contains("unsupported type 'BYTES'", answer.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metadata_and_configuration_name_the_type_each_in_its_words()
    {
        JsonElement metadata = await _node.AskAsync("GET", "/v2/models/texts");
        Assert.Equal("BYTES", metadata.GetProperty("inputs")[0].GetProperty("datatype").GetString());
        JsonElement configuration = await _node.AskAsync("GET", "/v2/models/texts/config");
        Assert.Equal("TYPE_STRING", configuration.GetProperty("input")[0].GetProperty("data_type").GetString());
    }

    [Fact]
    public async Task The_command_line_sends_a_file_as_one_text_and_prints_texts()
    {
        string text = _repository.Write("text.txt", "a line");
        (int exit, string output, string error) = await _node.RunAsync(["infer", "texts", "--input", $"x={text}"]);
        Assert.True(exit == 0, error);
        Assert.Contains("a line", output, StringComparison.Ordinal);

        string list = _repository.Write("list.json", """["one","two"]""");
        (exit, output, error) = await _node.RunAsync(["infer", "texts", "--input", $"x={list}", "--json"]);
        Assert.True(exit == 0, error);
        JsonElement answer = JsonDocument.Parse(output).RootElement.GetProperty("outputs")[0];
        Assert.Equal("""["one","two"]""", answer.GetProperty("data").GetRawText());
    }

    private static (byte[] Body, int Head) Request(long count, byte[] strings, bool isBinary)
    {
        byte[] head = Encoding.UTF8.GetBytes(
            $$$"""
            {"inputs":[{"name":"x","datatype":"BYTES","shape":[{{{count}}}],"parameters":{"binary_data_size":{{{strings.Length}}} }}],
             "outputs":[{"name":"y","parameters":{"binary_data":{{{(isBinary ? "true" : "false")}}} }}]}
            """
        );
        return ([.. head, .. strings], head.Length);
    }

    private async Task<(int Status, byte[] Head, byte[] Tail)> SendAsync((byte[] Body, int Head) request, string model = "texts")
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false });
        using HttpRequestMessage message = new(HttpMethod.Post, $"{_node.Url}/v2/models/{model}/infer")
        {
            Content = new ByteArrayContent(request.Body),
        };
        message.Headers.TryAddWithoutValidation(HeaderLength.Name, request.Head.ToString(CultureInfo.InvariantCulture));
        using HttpResponseMessage response = await http.SendAsync(message, TestContext.Current.CancellationToken);
        byte[] body = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        int head = response.Headers.TryGetValues(HeaderLength.Name, out IEnumerable<string>? length)
            ? int.Parse(length.Single(), CultureInfo.InvariantCulture)
            : body.Length;
        return ((int)response.StatusCode, body[..head], body[head..]);
    }
}
