using System.Text.Json;
using Troupe.Hosting.Tests.Http;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Hosting.Tests.Edge;

/// <summary>A version that only another node has is shown and checked as it is configured there.</summary>
public sealed class FetchedConfigurationsTests
{
    private readonly FakeNode _node = new();
    private readonly ModelVersion _version;
    private readonly ModelConfiguration _configuration;
    private ModelConfiguration? _known;
    private int _fetches;

    public FetchedConfigurationsTests()
    {
        var other = new NodeId("other:1");
        ModelSnapshot model = FakeNode.AddModel() with { Gpus = [new GpuId(other, 0)] };
        _version = model.Model;
        _node.View = new([.. _node.View.Nodes, _node.Snapshot([model]) with { Node = other }], []);
        _node.Configuration = _ => _known;
        ModuleSpec module = new(model.Model, model.Platform, model.Inputs, model.Outputs, [], SafeToResend: true);
        GivenConfiguration given = GivenConfiguration.OfJson(".", "add", """{"max_batch_size":9}"""u8.ToArray());
        _configuration = ModelConfiguration.Of(given, module, "model.onnx", [], lanes: 1, defaultMaxBatchSize: 4);
    }

    [Theory]
    [InlineData("/v2/models/add/config")]
    [InlineData("/v2/models/add")]
    public async Task It_is_fetched_once_when_it_is_asked_for(string path)
    {
        var arrives = new TaskCompletionSource();
        _node.Fetch = async _ =>
        {
            Interlocked.Increment(ref _fetches);
            await arrives.Task;
            return _known = _configuration;
        };
        await using EdgeFixture edge = await EdgeFixture.StartAsync(_node);
        Task<(int Status, string ContentType, string Body)>[] asked = [.. Enumerable.Range(0, 8).Select(_ => edge.GetAsync(path))];
        arrives.SetResult();
        foreach ((int status, _, string body) in await Task.WhenAll(asked))
        {
            Assert.Equal(200, status);
            Assert.Equal(path.EndsWith("config", StringComparison.Ordinal) ? 9 : 0, Batch(body));
        }

        Assert.Equal(9, Batch((await edge.GetAsync("/v2/models/add/config")).Body));
        Assert.Equal(1, _fetches);
    }

    [Theory]
    [InlineData("broken")]
    [InlineData("unforeseen")]
    [InlineData("nothing")]
    public async Task What_cannot_be_fetched_is_as_a_model_without_one_and_not_asked_for_again_at_once(string what)
    {
        _node.Fetch = _ =>
        {
            Interlocked.Increment(ref _fetches);
            return what switch
            {
                "broken" => Task.FromException<ModelConfiguration?>(new ModuleLoadException(FailureKind.InvalidModel, what)),
                "unforeseen" => Task.FromException<ModelConfiguration?>(new ArgumentException(what)),
                _ => Task.FromResult<ModelConfiguration?>(null),
            };
        };
        await using EdgeFixture edge = await EdgeFixture.StartAsync(_node);
        Assert.Equal(4, Batch((await edge.GetAsync("/v2/models/add/config")).Body));
        Assert.Equal(4, Batch((await edge.GetAsync("/v2/models/add/config")).Body));
        Assert.Equal(1, _fetches);
    }

    [Fact]
    public async Task A_request_is_checked_against_it()
    {
        _node.Fetch = _ => Task.FromResult<ModelConfiguration?>(_known = _configuration);
        await using EdgeFixture edge = await EdgeFixture.StartAsync(_node);
        string rows = string.Join(',', Enumerable.Repeat("1", 30));
        string input(int index) => $"{{\"name\":\"INPUT{index}\",\"shape\":[10,3],\"datatype\":\"FP32\",\"data\":[{rows}]}}";
        (int status, _, string body) = await edge.PostAsync("/v2/models/add/infer", $"{{\"inputs\":[{input(0)},{input(1)}]}}");
        Assert.Equal(400, status);
        Assert.Contains("9", EdgeFixture.ErrorOf(body), StringComparison.Ordinal);
        Assert.Empty(_node.Forwards);
    }

    private static int Batch(string body) =>
        JsonDocument.Parse(body).RootElement.TryGetProperty("max_batch_size", out JsonElement batch) ? batch.GetInt32() : 0;
}
