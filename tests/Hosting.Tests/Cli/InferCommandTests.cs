using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Troupe.Hosting.Demo;
using Troupe.Hosting.Failures;
using Troupe.TestSupport.Documents;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Cli;

/// <summary><c>troupe infer</c> against a real node: the same picture as IDX file, as raw bytes, as JSON and as a V2 request has the same
/// answer.</summary>
public sealed class InferCommandTests(ServedNode node) : IClassFixture<ServedNode>
{
    private static readonly string Samples = Path.Combine(AppContext.BaseDirectory, "Samples", "fashion-mnist");
    private static readonly string Request = Path.Combine(Samples, "ankle-boot.json");
    private static readonly string Images = Path.Combine(Samples, "t10k-first200-images-idx3-ubyte");

    [Fact]
    public async Task Every_form_of_one_picture_has_one_answer()
    {
        using JsonDocument sample = JsonDocument.Parse(await File.ReadAllBytesAsync(Request, TestContext.Current.CancellationToken));
        string numbers = sample.RootElement.GetProperty("inputs")[0].GetProperty("data").GetRawText();
        byte[] raw = FashionMnist.Read().Images[0];
        using FormFolder folder = new();

        string asked = await OutputsAsync("--request", Request);
        Assert.Equal(asked, await OutputsAsync("--input", $"image={Images}"));
        Assert.Equal(asked, await OutputsAsync("--input", $"image={folder.Write("picture.json", Encoding.UTF8.GetBytes(numbers))}"));
        Assert.Equal(asked, await OutputsAsync("--input", $"image={folder.Write("picture.raw", raw)}"));
        Assert.Equal(asked, await OutputsAsync("--request", folder.Write("binary", BinaryRequest(raw, binaryOutput: false))));
        Assert.Equal(9, Best(asked));
    }

    [Fact]
    public async Task The_sample_request_holds_the_first_sample_picture()
    {
        using JsonDocument sample = JsonDocument.Parse(await File.ReadAllBytesAsync(Request, TestContext.Current.CancellationToken));
        byte[] picture = FashionMnist.Read().Images[0];
        float[] expected =
        [
            .. Enumerable.Range(0, 784).Select(index => BinaryPrimitives.ReadSingleLittleEndian(picture.AsSpan(index * 4))),
        ];
        Assert.Equal(
            expected,
            sample.RootElement.GetProperty("inputs")[0].GetProperty("data").EnumerateArray().Select(value => value.GetSingle())
        );
    }

    [Fact]
    public async Task Outputs_that_come_back_binary_are_named_and_not_printed()
    {
        using FormFolder folder = new();
        string request = folder.Write("binary", BinaryRequest(FashionMnist.Read().Images[0], binaryOutput: true));
        (int exit, string output, string error) = await node.RunAsync(["infer", "fmnist", "--request", request]);
        Assert.True(exit == 0, error);
        Assert.Contains("binary", output, StringComparison.Ordinal);

        (exit, output, _) = await node.RunAsync(["infer", "fmnist", "--request", request, "--json"]);
        Assert.Equal(0, exit);
        Assert.Equal(
            40,
            JsonDocument
                .Parse(output)
                .RootElement.GetProperty("outputs")[0]
                .GetProperty("parameters")
                .GetProperty("binary_data_size")
                .GetInt32()
        );
    }

    [Fact]
    public async Task Bench_sends_inputs_by_itself_and_says_what_failed_first()
    {
        (int exit, string output, string error) = await node.RunAsync(["bench", "fmnist", "--duration", "1s", "--json"]);
        Assert.True(exit == 0, output + error);
        JsonElement rung = JsonDocument.Parse(output).RootElement.GetProperty("rungs")[0];
        Assert.True(rung.GetProperty("calls").GetInt64() > 0);
        Assert.Equal(0, rung.GetProperty("failed").GetInt64());

        using FormFolder folder = new();
        string wrong = folder.Write("wrong.raw", new byte[784 * 4 * 5]);
        (exit, output, error) = await node.RunAsync(["bench", "fmnist", "--duration", "1s", "--input", $"image={wrong}"]);
        Assert.Equal((int)ExitCode.Refused, exit);
        Assert.Contains(
            "http: the first that failed: HTTP/1.1 400 Bad Request: {\"error\":\"[request id: <id_unknown>] inference request batch-size",
            output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_request_in_a_file_may_begin_with_a_byte_order_mark()
    {
        using FormFolder folder = new();
        byte[] marked = [0xEF, 0xBB, 0xBF, .. await File.ReadAllBytesAsync(Request, TestContext.Current.CancellationToken)];

        Assert.Equal(await OutputsAsync("--request", Request), await OutputsAsync("--request", folder.Write("marked.json", marked)));
    }

    [Theory]
    [InlineData("infer", "fmnist")]
    [InlineData("infer", "fmnist", "--input", "image=a", "--request", "b")]
    public async Task One_of_input_and_request_is_asked_for(params string[] arguments)
    {
        (int exit, _, string error) = await node.RunAsync(arguments);
        Assert.Equal((int)ExitCode.Usage, exit);
        Assert.Contains("write --input NAME=FILE for each input, or --request FILE", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_the_node_refuses_is_its_reason_in_one_line()
    {
        using FormFolder folder = new();
        (int exit, _, string error) = await node.RunAsync([
            "infer",
            "fmnist",
            "--request",
            folder.Write("empty.json", "{\"inputs\":[]}"u8.ToArray()),
        ]);
        Assert.Equal((int)ExitCode.Refused, exit);
        Assert.Single(error.Trim().Split('\n'));
    }

    [Fact]
    public async Task The_documented_examples_have_one_answer()
    {
        Document text = Document.Read("docs/infer.md");
        using FormFolder folder = new();
        using ModuleFolder models = new();
        Directory.CreateDirectory(Path.Combine(models.Path, "net", "1"));
        models.Write(Path.Combine("net", "1", "model.onnx"), TinyModels.Scale(2));
        await using ServedNode own = await ServedNode.StartAsync(models.Path, "net");

        string file = folder.Write("x.json", Encoding.UTF8.GetBytes(Assert.Single(text.Blocks("json input"))));
        string request = folder.Write("request.json", Encoding.UTF8.GetBytes(Assert.Single(text.Blocks("json request"))));
        (int exit, string fromFile, string error) = await own.RunAsync(["infer", "net", "--input", $"x={file}", "--json"]);
        Assert.True(exit == 0, error);
        (exit, string fromRequest, error) = await own.RunAsync(["infer", "net", "--request", request, "--json"]);
        Assert.True(exit == 0, error);
        using JsonDocument one = JsonDocument.Parse(fromFile);
        using JsonDocument other = JsonDocument.Parse(fromRequest);
        Assert.Equal("boot-1", other.RootElement.GetProperty("id").GetString());
        Assert.Equal("[0,2,4,6,8,10,12,15]", Numbers(one));
        Assert.Equal(Numbers(one), Numbers(other));

        static string Numbers(JsonDocument answer) =>
            $"[{string.Join(',', answer.RootElement.GetProperty("outputs")[0].GetProperty("data").EnumerateArray().Select(value => value.GetDouble()))}]";
    }

    private async Task<string> OutputsAsync(string option, string value)
    {
        (int exit, string output, string error) = await node.RunAsync(["infer", "fmnist", option, value, "--json"]);
        Assert.True(exit == 0, $"{option} {value}: {error}");
        return JsonDocument.Parse(output).RootElement.GetProperty("outputs").GetRawText();
    }

    private static int Best(string outputs)
    {
        double[] data =
        [
            .. JsonDocument.Parse(outputs).RootElement[0].GetProperty("data").EnumerateArray().Select(value => value.GetDouble()),
        ];
        return Array.IndexOf(data, data.Max());
    }

    private static byte[] BinaryRequest(byte[] picture, bool binaryOutput)
    {
        const string head = """{"inputs":[{"name":"image","datatype":"FP32","shape":[1,1,28,28],"parameters":{"binary_data_size":""";
        return
        [
            .. Encoding.UTF8.GetBytes(
                $"{head}{picture.Length}}}}}],\"parameters\":{{\"binary_data_output\":{(binaryOutput ? "true" : "false")}}}}}"
            ),
            .. picture,
        ];
    }

    /// <summary>A folder of input files, gone with the test.</summary>
    private sealed class FormFolder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("troupe-forms-").FullName;

        public string Write(string name, byte[] content)
        {
            string path = Path.Combine(_path, name);
            File.WriteAllBytes(path, content);
            return path;
        }

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
