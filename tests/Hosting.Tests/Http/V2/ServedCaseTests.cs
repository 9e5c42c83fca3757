using System.Globalization;
using System.Text.Json;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>Models whose files say other things than they do, over HTTP: answers are those of ONNX Runtime called directly, and what fails
/// after it was launched is counted as a failure.</summary>
public sealed class ServedCaseTests : IAsyncLifetime
{
    private ServedNode _node = null!;

    public async ValueTask InitializeAsync() =>
        _node = await ServedNode.StartAsync(
            CaseModels.Repository,
            "fixed_out",
            "rank_out",
            "unsorted",
            "norank_in",
            "norank_out",
            "passthrough",
            "exts_ok",
            "extc_ok",
            "minus1"
        );

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Theory]
    [InlineData(
        "fixed_out",
        """{"name":"x","datatype":"FP32","shape":[4,3],"data":[1,-2,3,4,-5,6,7,-8,9,1,2,3]}""",
        "y[4,3]=1,0,3,4,0,6,7,0,9,1,2,3"
    )]
    [InlineData("rank_out", """{"name":"x","datatype":"FP32","shape":[2,3],"data":[1,2,3,4,5,6]}""", "y[1,2,3]=1,2,3,4,5,6")]
    [InlineData("unsorted", """{"name":"x","datatype":"FP32","shape":[3],"data":[1,2,0]}""", "y[1,2]=0,1")]
    [InlineData("unsorted", """{"name":"x","datatype":"FP32","shape":[3],"data":[0,0,3]}""", "y[1,1]=2")]
    [InlineData("norank_in", """{"name":"x","datatype":"FP32","shape":[2,3],"data":[1,-2,3,4,-5,6]}""", "y[2,3]=1,0,3,4,0,6")]
    [InlineData("norank_in", """{"name":"x","datatype":"FP32","shape":[6],"data":[1,-2,3,4,-5,6]}""", "y[6]=1,0,3,4,0,6")]
    [InlineData(
        "norank_out",
        """{"name":"x","datatype":"FP32","shape":[4],"data":[1,2,3,4]},{"name":"s","datatype":"INT64","shape":[2],"data":[2,2]}""",
        "y[2,2]=1,2,3,4"
    )]
    [InlineData("passthrough", """{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,-2,3]}""", "x[1,3]=1,-2,3 y[1,3]=1,0,3")]
    [InlineData(
        "exts_ok",
        """{"name":"c","datatype":"BOOL","shape":[],"data":[true]},{"name":"x","datatype":"FP32","shape":[1,2],"data":[10,20]}""",
        "y[1,2]=11,22"
    )]
    [InlineData("extc_ok", """{"name":"x","datatype":"FP32","shape":[1,2],"data":[10,20]}""", "y[1,2]=11,22")]
    [InlineData("minus1", """{"name":"x","datatype":"FP32","shape":[2,3],"data":[1,-2,3,4,-5,6]}""", "y[2,3]=1,0,3,4,0,6")]
    public async Task Answers_are_right_each_time_whatever_the_file_declares(string model, string inputs, string expected)
    {
        for (int call = 0; call < 3; call++)
        {
            JsonElement answer = await _node.AskAsync("POST", $"/v2/models/{model}/infer", $$"""{"inputs":[{{inputs}}]}""");
            Assert.Equal(expected, string.Join(' ', answer.GetProperty("outputs").EnumerateArray().Select(Text)));
        }
    }

    [Fact]
    public async Task A_tensor_of_any_rank_is_shown_with_one_free_dimension()
    {
        JsonElement metadata = await _node.AskAsync("GET", "/v2/models/norank_in");
        Assert.Equal("[-1]", metadata.GetProperty("inputs")[0].GetProperty("shape").GetRawText());
        Assert.Equal("[-1]", metadata.GetProperty("outputs")[0].GetProperty("shape").GetRawText());
    }

    [Fact]
    public async Task What_fails_after_it_was_launched_is_no_fault_of_the_caller_and_is_counted()
    {
        long before = await FailuresAsync();
        (int status, JsonElement answer) = await _node.SendAsync(
            "POST",
            "/v2/models/norank_out/infer",
            """{"inputs":[{"name":"x","datatype":"FP32","shape":[4],"data":[1,2,3,4]},{"name":"s","datatype":"INT64","shape":[2],"data":[2,3]}]}"""
        );

        Assert.Equal(500, status);
        Assert.Contains("failed while it ran", answer.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(before + 1, await FailuresAsync());
    }

    [Fact]
    public async Task An_input_with_a_value_of_its_own_is_told_as_optional_and_may_be_left_out()
    {
        using var repository = new ModuleFolder();
        TinyModels.ScaledByInput().Save(Path.Combine(repository.Path, "scaled", "1", "model.onnx"));
        await using ServedNode node = await ServedNode.StartAsync(repository.Path, "scaled");
        JsonElement configuration = await node.AskAsync("GET", "/v2/models/scaled/config");
        Assert.Equal(
            [false, true],
            configuration.GetProperty("input").EnumerateArray().Select(input => input.GetProperty("optional").GetBoolean())
        );

        const string X = """{"name":"x","datatype":"FP32","shape":[2],"data":[1,2]}""";
        foreach (
            (string inputs, string expected) in ((string, string)[])
                [(X, "y[2]=3,6"), ($$"""{"name":"scale","datatype":"FP32","shape":[1],"data":[5]},{{X}}""", "y[2]=5,10")]
        )
        {
            JsonElement answer = await node.AskAsync("POST", "/v2/models/scaled/infer", $$"""{"inputs":[{{inputs}}]}""");
            Assert.Equal(expected, Text(answer.GetProperty("outputs")[0]));
        }

        (int status, JsonElement refused) = await node.SendAsync(
            "POST",
            "/v2/models/scaled/infer",
            """{"inputs":[{"name":"scale","datatype":"FP32","shape":[1],"data":[5]}]}"""
        );
        Assert.Equal(400, status);
        Assert.Contains("missing required input(s) ['x']", refused.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    private async Task<long> FailuresAsync()
    {
        JsonElement statistics = await _node.AskAsync("GET", "/v2/models/norank_out/stats");
        return statistics.GetProperty("model_stats")[0].GetProperty("inference_stats").GetProperty("fail").GetProperty("count").GetInt64();
    }

    private static string Text(JsonElement output)
    {
        IEnumerable<string> values = output
            .GetProperty("data")
            .EnumerateArray()
            .Select(value => value.GetDouble().ToString(CultureInfo.InvariantCulture));
        return $"{output.GetProperty("name").GetString()}{output.GetProperty("shape").GetRawText()}={string.Join(',', values)}";
    }
}
