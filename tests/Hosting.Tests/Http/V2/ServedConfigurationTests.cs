using System.Globalization;
using System.Text.Json;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>Models of a repository as their configurations have them served, over HTTP, by a node with two emulated devices.</summary>
public sealed class ServedConfigurationTests : IDisposable
{
    private readonly ModuleFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("version_policy { all { } }", "1 2 3", "3")]
    [InlineData("version_policy { latest { num_versions: 2 } }", "2 3", "3")]
    [InlineData("version_policy { specific { versions: [ 1, 2 ] } }", "1 2", "2")]
    [InlineData("", "3", "3")]
    public async Task Versions_are_served_as_the_policy_says_and_the_highest_answers(string configuration, string served, string answering)
    {
        Configure("scaled", configuration, 1, 2, 3);
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "scaled");

        JsonElement metadata = await node.AskAsync("GET", "/v2/models/scaled");
        Assert.Equal(served, string.Join(' ', metadata.GetProperty("versions").EnumerateArray().Select(version => version.GetString())));
        JsonElement answer = await InferAsync(node, "[1,4]", "1,1,1,1");
        Assert.Equal(answering, answer.GetProperty("model_version").GetString());
        Assert.Equal(answering, answer.GetProperty("outputs")[0].GetProperty("data")[0].GetDouble().ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task One_version_that_fails_fails_the_load_and_the_others_are_served()
    {
        Configure("scaled", "version_policy { all { } }", 1, 3);
        Directory.CreateDirectory(Path.Combine(_folder.Path, "scaled", "2"));
        _folder.Write("scaled/2/model.onnx", "no model");
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "none");

        (int status, JsonElement answer) = await node.SendAsync("POST", "/v2/repository/models/scaled/load");
        Assert.Equal(400, status);
        Assert.Contains("scaled/2/model.onnx", answer.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(200, (await node.SendAsync("GET", "/v2/models/scaled/versions/1/ready")).Status);
        Assert.Equal(400, (await node.SendAsync("GET", "/v2/models/scaled/versions/2/ready")).Status);
        Assert.Equal(200, (await node.SendAsync("GET", "/v2/models/scaled/versions/3/ready")).Status);
    }

    [Theory]
    [InlineData("instance_group { count: 3 gpus: 1 }", "1")]
    [InlineData("instance_group { kind: KIND_CPU }", "0 1")]
    [InlineData("", "0 1")]
    public async Task Instance_groups_choose_the_devices(string configuration, string devices)
    {
        Configure("scaled", configuration, 1);
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "scaled");

        (_, string output, _) = await node.RunAsync(["models", "list", "--json"]);
        string[] on =
        [
            .. JsonDocument
                .Parse(output)
                .RootElement.GetProperty("models")[0]
                .GetProperty("devices")
                .EnumerateArray()
                .Select(device => device.GetString()!.Split('/')[^1]),
        ];
        Assert.Equal(devices, string.Join(' ', on.Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task A_model_without_its_scheduler_is_unavailable_by_name_and_the_node_is_ready()
    {
        Configure("scaled", "sequence_batching { }", 1);
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "scaled");

        JsonElement entry = (await node.AskAsync("POST", "/v2/repository/index"))[0];
        Assert.Equal("UNAVAILABLE", entry.GetProperty("state").GetString());
        Assert.Contains("sequence_batching", entry.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(200, (await node.SendAsync("GET", "/v2/health/ready")).Status);
        Assert.Equal(400, (await node.SendAsync("GET", "/v2/models/scaled/ready")).Status);

        Configure("scaled", "", 1);
        Assert.Equal(200, (await node.SendAsync("POST", "/v2/repository/models/scaled/load")).Status);
        Assert.Equal(200, (await node.SendAsync("GET", "/v2/models/scaled/ready")).Status);
    }

    [Fact]
    public async Task Dims_are_what_callers_give_and_get_and_reshape_what_the_model_does()
    {
        Configure(
            "scaled",
            """
            max_batch_size: 2 input { name: "x" dims: [ 2, 2 ] reshape { shape: 4 } } output { name: "y" dims: [ 1, 4 ] reshape { shape: 4 } }
            """,
            3
        );
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "scaled");

        JsonElement output = (await InferAsync(node, "[2,2,2]", "1,2,3,4,5,6,7,8")).GetProperty("outputs")[0];
        Assert.Equal("[2,1,4]", output.GetProperty("shape").GetRawText());
        Assert.Equal(
            "3,6,9,12,15,18,21,24",
            string.Join(',', output.GetProperty("data").EnumerateArray().Select(value => value.GetDouble()))
        );
        (int status, JsonElement refused) = await SendAsync(node, "[2,4]", "1,2,3,4,5,6,7,8");
        Assert.Equal(400, status);
        Assert.Contains("Expected [-1,2,2], got [2,4]", refused.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(400, (await SendAsync(node, "[3,2,2]", "1,2,3,4,5,6,7,8,9,10,11,12")).Status);
    }

    [Fact]
    public async Task An_output_that_is_not_configured_is_not_answered()
    {
        TinyOnnx both = new TinyOnnx()
            .Input("x", TinyOnnx.Element.Float, "n", 4)
            .Output("y", TinyOnnx.Element.Float, "n", 4)
            .Output("z", TinyOnnx.Element.Float, "n", 4)
            .Node("Abs", ["x"], ["y"])
            .Node("Neg", ["x"], ["z"]);
        both.Save(Path.Combine(_folder.Path, "scaled", "1", "model.onnx"));
        _folder.Write("scaled/config.pbtxt", "output { name: 'z' }");
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "scaled");

        JsonElement outputs = (await InferAsync(node, "[1,4]", "1,2,3,4")).GetProperty("outputs");
        Assert.Equal("z", Assert.Single(outputs.EnumerateArray()).GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("model_warmup { name: 'w' count: 3 inputs { key: 'x' value { dims: 4 random_data: true } } }", true)]
    [InlineData("model_warmup { name: 'w' inputs { key: 'x' value { dims: 4 input_data_file: 'none.bin' } } }", false)]
    [InlineData("input { name: 'x' dims: 5 }", false)]
    [InlineData("instance_group { count: 0 }", false)]
    [InlineData("instance_group { count: 1000000000 }", false)]
    [InlineData("instance_group { gpus: 7 }", false)]
    [InlineData("name: 'other'", false)]
    [InlineData("output { name: 'y' label_filename: '../labels.txt' }", false)]
    public async Task A_load_ends_with_its_warm_up_or_its_reason(string configuration, bool isLoaded)
    {
        Configure("scaled", configuration, 1);
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "scaled");
        Assert.Equal(isLoaded ? 200 : 400, (await node.SendAsync("GET", "/v2/models/scaled/ready")).Status);
        (int status, JsonElement answer) = await node.SendAsync("POST", "/v2/repository/models/scaled/load");
        Assert.Equal(isLoaded ? 200 : 400, status);
        Assert.Equal(isLoaded, answer.ValueKind == JsonValueKind.Null);
    }

    [Fact]
    public async Task A_live_version_is_loaded_again_with_the_same_configuration_and_gives_way_to_another()
    {
        Configure("scaled", "max_batch_size: 4", 1);
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "scaled");
        Assert.Equal(200, (await node.SendAsync("POST", "/v2/repository/models/scaled/load")).Status);

        _folder.Write("scaled/config.pbtxt", "max_batch_size: 8");
        (int status, JsonElement answer) = await node.SendAsync("POST", "/v2/troupe/models/scaled/load", "{}");
        Assert.Equal(400, status);
        Assert.Contains("say that it is replaced", answer.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(4, await BatchAsync());

        Assert.Equal(200, (await node.SendAsync("POST", "/v2/repository/models/scaled/load")).Status);
        Assert.Equal(8, await BatchAsync());

        async Task<int> BatchAsync() => (await node.AskAsync("GET", "/v2/models/scaled/config")).GetProperty("max_batch_size").GetInt32();
    }

    /// <summary>Each version multiplies by its number.</summary>
    private void Configure(string model, string configuration, params int[] versions)
    {
        foreach (int version in versions)
        {
            TinyModels.Scale(version).Save(Path.Combine(_folder.Path, model, $"{version}", "model.onnx"));
        }

        _folder.Write($"{model}/config.pbtxt", configuration);
    }

    private static async Task<JsonElement> InferAsync(ServedNode node, string shape, string data)
    {
        (int status, JsonElement answer) = await SendAsync(node, shape, data);
        Assert.True(status == 200, $"{status} {answer}");
        return answer;
    }

    private static Task<(int Status, JsonElement Body)> SendAsync(ServedNode node, string shape, string data) =>
        node.SendAsync(
            "POST",
            "/v2/models/scaled/infer",
            $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":{{shape}},"data":[{{data}}]}]}"""
        );
}
