using System.Text;
using Microsoft.Extensions.Time.Testing;
using Prometheus;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Metrics;
using Troupe.Hosting.Tests.Http;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Edge;

/// <summary>What a model's configuration makes of a call: its time, its level, whether it may wait, and the labels it is counted
/// under.</summary>
public sealed class ConfiguredCallTests : IDisposable
{
    private const string Inputs = "\"inputs\":[{\"name\":\"INPUT0\",\"datatype\":\"INT64\",\"shape\":[2,3],\"data\":[1,2,3,4,5,6]}]";

    private const string First = $"{{{Inputs},\"parameters\":{{\"priority\":1}}}}";

    private readonly ModuleFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "\"timeout\":2000", 0)]
    [InlineData("default_timeout_microseconds: 5000", "\"timeout\":2000", 5)]
    [InlineData("default_timeout_microseconds: 5000 allow_timeout_override: true", "\"timeout\":2000", 2)]
    [InlineData("default_timeout_microseconds: 5000 allow_timeout_override: true", "\"timeout\":9000", 5)]
    [InlineData("default_timeout_microseconds: 60000000", "", 60_000)]
    [InlineData("default_timeout_microseconds: 5000 timeout_action: DELAY", "", 0)]
    public async Task The_queue_policy_bounds_the_time_in_the_queue_and_not_the_whole_of_a_forward(
        string policy,
        string parameters,
        double milliseconds
    )
    {
        FakeNode node = Node($"dynamic_batching {{ default_queue_policy {{ {policy} }} }}");
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        await edge.PostAsync("/v2/models/fixed/infer", $"{{{Inputs},\"parameters\":{{{parameters}}}}}");
        Forward forward = Assert.Single(node.Forwards);
        Assert.Equal((TimeSpan.FromMilliseconds(milliseconds), Forward.DefaultTimeLeft), (forward.QueueTime, forward.TimeLeft));
    }

    [Theory]
    [InlineData("default_queue_policy { default_timeout_microseconds: 1000 }", "", 503)]
    [InlineData("default_queue_policy { default_timeout_microseconds: 5000000 allow_timeout_override: true }", "\"timeout\":500", 503)]
    [InlineData("default_queue_policy { default_timeout_microseconds: 5000000 }", "\"timeout\":500", 200)]
    [InlineData("", "\"timeout\":500", 200)]
    [InlineData("preferred_batch_size: [ 1 ] default_queue_policy { default_timeout_microseconds: 1000 }", "", 200)]
    public async Task A_request_that_may_not_wait_for_the_batch_it_is_configured_to_wait_for_is_refused(
        string policy,
        string parameters,
        int expected
    )
    {
        ModelSnapshot model = FakeNode.AddModel("fixed") with { Inputs = [new("INPUT0", ElementType.Fp32, new(-1, 3))] };
        FakeNode node = Node($"max_batch_size: 4 dynamic_batching {{ max_queue_delay_microseconds: 100000 {policy} }}", model);
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        (int status, _, string body) = await edge.PostAsync(
            "/v2/models/fixed/infer",
            "{\"inputs\":[{\"name\":\"INPUT0\",\"datatype\":\"FP32\",\"shape\":[1,3],\"data\":[1,2,3]}],"
                + $"\"parameters\":{{{parameters}}}}}"
        );
        Assert.Equal(expected, status);
        Assert.Equal(expected == 200 ? 1 : 0, node.Forwards.Count);
        if (expected != 200)
        {
            Assert.StartsWith("Request timeout expired", EdgeFixture.ErrorOf(body), StringComparison.Ordinal);
            Assert.Equal(1, edge.Edge.Ledgers.Of(edge.Edge.Catalogue.All.Single().Snapshot.Model).Read().Fail.Count);
        }
    }

    [Fact]
    public async Task A_request_waits_for_a_batch_no_longer_than_its_caller_for_the_answer()
    {
        FakeTimeProvider clock = new();
        (NodeEdge edge, ServedModel model, CallSpec call) = Gathering(clock);
        Task<ForwardReply> running = InferenceCall
            .RunAsync(edge, model, call with { TimeLeft = TimeSpan.FromSeconds(5) }, CancellationToken.None)
            .AsTask();
        clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(FailureKind.DeadlineExceeded, Assert.IsType<ForwardReply.Failed>(await running).Kind);
        Assert.Equal(0, edge.Ledgers.Of(model.Snapshot.Model).Pending);
    }

    [Fact]
    public async Task What_a_request_has_waited_for_a_batch_is_gone_from_its_times()
    {
        FakeTimeProvider clock = new();
        (NodeEdge edge, ServedModel model, CallSpec call) = Gathering(clock);
        CallSpec first = call with { TimeLeft = TimeSpan.FromSeconds(50) };
        Task<ForwardReply> running = InferenceCall.RunAsync(edge, model, first, CancellationToken.None).AsTask();
        clock.Advance(TimeSpan.FromSeconds(4));
        await InferenceCall.RunAsync(edge, model, call, CancellationToken.None);
        await running;

        Assert.Equal(
            [(TimeSpan.FromSeconds(20), Forward.DefaultTimeLeft), (TimeSpan.FromSeconds(16), TimeSpan.FromSeconds(46))],
            ((FakeNode)edge.Node)
                .Forwards.Select(static forward => (forward.QueueTime, forward.TimeLeft))
                .OrderByDescending(static one => one)
        );
    }

    [Theory]
    [InlineData("\"priority\":0", 4)]
    [InlineData("\"priority\":1", 1)]
    [InlineData("\"priority\":16", 8)]
    [InlineData("\"priority\":17", 4)]
    public async Task Levels_of_the_model_are_levels_of_the_node(string parameters, int priority)
    {
        FakeNode node = Node("dynamic_batching { priority_levels: 16 default_priority_level: 8 }");
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        await edge.PostAsync("/v2/models/fixed/infer", $"{{{Inputs},\"parameters\":{{{parameters}}}}}");
        Assert.Equal(priority, Assert.Single(node.Forwards).Priority);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_more_wait_than_the_queue_of_this_node_may_hold(bool isElsewhereToo)
    {
        FakeNode node = Node("instance_group { count: 2 } dynamic_batching { default_queue_policy { max_queue_size: 3 } }");
        node.Answer = _ => null;
        if (isElsewhereToo)
        {
            var other = new NodeId("other:1");
            ModelSnapshot copy = FakeNode.FixedModel() with { Gpus = [new GpuId(other, 0), new GpuId(other, 1)] };
            node.View = new([.. node.View.Nodes, node.Snapshot([copy]) with { Node = other }], []);
        }

        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);

        // Two run and three wait.
        Task<(int Status, string ContentType, string Body)>[] taken =
        [
            .. Enumerable.Range(0, 5).Select(_ => edge.PostAsync("/v2/models/fixed/infer", $"{{{Inputs}}}")),
        ];
        while (node.Waiting.Count < 5)
        {
            await Task.Yield();
        }

        (int status, _, string body) = await edge.PostAsync("/v2/models/fixed/infer", $"{{{Inputs}}}");
        Assert.Equal(503, status);
        Assert.StartsWith("Exceeds maximum queue size: 3 ", EdgeFixture.ErrorOf(body), StringComparison.Ordinal);
        Assert.Equal(1, edge.Edge.Ledgers.Of(edge.Edge.Catalogue.All.Single().Snapshot.Model).Read().Fail.Count);

        while (node.Waiting.TryDequeue(out (Forward Forward, Actors.Forwards.IForwardSink Sink) waiting))
        {
            waiting.Sink.Complete(node.Echo(waiting.Forward));
        }

        Assert.All(await Task.WhenAll(taken), answer => Assert.Equal(200, answer.Status));
        node.Answer = node.Echo;
        Assert.Equal(200, (await edge.PostAsync("/v2/models/fixed/infer", $"{{{Inputs}}}")).Status);
    }

    [Fact]
    public async Task What_waits_of_one_level_takes_no_place_of_another()
    {
        FakeNode node = Node(
            "instance_group { count: 1 } dynamic_batching { priority_levels: 2 default_priority_level: 2 priority_queue_policy { key: 1 value { max_queue_size: 1 } } }"
        );
        node.Answer = _ => null;
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        Task<(int Status, string ContentType, string Body)>[] taken =
        [
            .. Enumerable.Range(0, 5).Select(_ => edge.PostAsync("/v2/models/fixed/infer", $"{{{Inputs}}}")),
            .. Enumerable.Range(0, 2).Select(_ => edge.PostAsync("/v2/models/fixed/infer", First)),
        ];
        while (node.Waiting.Count < taken.Length)
        {
            Assert.DoesNotContain(taken, answer => answer.IsCompleted);
            await Task.Yield();
        }

        Assert.Equal(503, (await edge.PostAsync("/v2/models/fixed/infer", First)).Status);
        while (node.Waiting.TryDequeue(out (Forward Forward, Actors.Forwards.IForwardSink Sink) waiting))
        {
            waiting.Sink.Complete(node.Echo(waiting.Forward));
        }

        Assert.All(await Task.WhenAll(taken), answer => Assert.Equal(200, answer.Status));
    }

    [Fact]
    public void However_many_come_at_once_no_more_are_started_than_may_be_pending()
    {
        ModelLedger ledger = new(TimeProvider.System);
        int started = 0;
        Parallel.For(0, 1000, _ => Interlocked.Add(ref started, ledger.TryStart(level: 1, most: 7) ? 1 : 0));
        Assert.Equal((7, 7L), (started, ledger.Pending));
    }

    [Fact]
    public async Task An_output_that_the_reshape_does_not_fit_is_a_failure_and_its_lease_is_over()
    {
        FakeNode node = Node("output { name: 'OUTPUT0' dims: 6 reshape { shape: [2, 3] } }");

        // Its end asserts that no lease is left.
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        node.Answer = forward =>
            node.Echo(forward) is ForwardReply.Succeeded reply
                ? reply with
                {
                    Outputs =
                    [
                        reply.Outputs[0] with
                        {
                            Shape = new TensorShape(3, 2),
                            Payload = new TensorPayload.Leased(edge.Edge.Memory.Host.Lease(48), 6),
                        },
                    ],
                }
                : null;
        (int status, _, string body) = await edge.PostAsync("/v2/models/fixed/infer", $"{{{Inputs}}}");
        Assert.Equal(500, status);
        Assert.Contains("which its configured reshape does not fit", EdgeFixture.ErrorOf(body), StringComparison.Ordinal);
        ModelCounts counts = edge.Edge.Ledgers.Of(edge.Edge.Catalogue.All.Single().Snapshot.Model).Read();
        Assert.Equal((0, 1), (counts.Success.Count, counts.Fail.Count));
    }

    [Fact]
    public async Task An_optional_input_outside_of_the_batch_is_reshaped_without_one()
    {
        ModelSnapshot model = FakeNode.AddModel("fixed") with
        {
            Inputs = [new("INPUT0", ElementType.Fp32, new(-1, 3)), new("BIAS", ElementType.Fp32, new(3), IsOptional: true)],
        };
        FakeNode node = Node(
            "max_batch_size: 4 input { name: 'INPUT0' } input { name: 'BIAS' dims: [1, 3] reshape { shape: 3 } optional: true }",
            model
        );
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        (int status, _, string body) = await edge.PostAsync(
            "/v2/models/fixed/infer",
            "{\"inputs\":[{\"name\":\"BIAS\",\"datatype\":\"FP32\",\"shape\":[1,3],\"data\":[1,2,3]},"
                + "{\"name\":\"INPUT0\",\"datatype\":\"FP32\",\"shape\":[2,3],\"data\":[1,2,3,4,5,6]}]}"
        );
        Assert.True(status == 200, body);
        Assert.Equal(new TensorShape(3), Assert.Single(node.Forwards).Inputs.Single(input => input.Name == "BIAS").Shape);
        Assert.Equal(2, edge.Edge.Ledgers.Of(model.Model).Read().Inferences);
    }

    [Fact]
    public async Task An_input_that_the_reshape_does_not_fit_is_the_caller_s_fault()
    {
        FakeNode node = Node("input { name: 'INPUT0' dims: 6 reshape { shape: [2, 3] } }");
        NodeEdge edge = new(node, new ModelLedgers(TimeProvider.System), new EdgeSpec(null, 1 << 20, "test"), TestMemory.Host);
        Assert.True(edge.Catalogue.TryFind("fixed", null, out ServedModel? model));
        var call = new CallSpec([new Tensor("INPUT0", ElementType.Int64, new TensorShape(5), new byte[40])], [], []);
        ForwardReply reply = await InferenceCall.RunAsync(edge, model, call, TestContext.Current.CancellationToken);
        Assert.Equal(FailureKind.InvalidRequest, Assert.IsType<ForwardReply.Failed>(reply).Kind);
        Assert.Empty(node.Forwards);
    }

    [Fact]
    public async Task Tags_of_the_configuration_are_labels_of_the_model_s_series_and_of_no_other()
    {
        FakeNode node = Node("metric_tags { key: 'team' value: 'vision' } metric_tags { key: 'env' value: 'a\"b' }");
        node.View = new([node.Snapshot([FakeNode.FixedModel(), FakeNode.AddModel()])], []);
        NodeEdge edge = new(node, new ModelLedgers(TimeProvider.System), new EdgeSpec(null, 1 << 20, "test"), TestMemory.Host);
        CollectorRegistry registry = Prometheus.Metrics.NewCustomRegistry();
        var metrics = new NodeMetrics(Prometheus.Metrics.WithCustomRegistry(registry), edge);

        metrics.Refresh();
        string text = await TextAsync(registry);
        Assert.Contains(
            "nv_inference_count{model=\"fixed\",version=\"1\",env=\"a\\\"b\",team=\"vision\"} 0",
            text,
            StringComparison.Ordinal
        );
        Assert.Contains("nv_inference_count{model=\"add\",version=\"1\"} 0", text, StringComparison.Ordinal);
        Assert.Equal(1, text.Split("# TYPE nv_inference_count ").Length - 1);

        node.View = new([node.Snapshot([FakeNode.AddModel()])], []);
        metrics.Refresh();
        Assert.DoesNotContain("vision", await TextAsync(registry), StringComparison.Ordinal);
    }

    private static async Task<string> TextAsync(CollectorRegistry registry)
    {
        using var text = new MemoryStream();
        await registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary>A node whose model <c>fixed</c> is configured, which echoes.</summary>
    /// <summary>Two calls of two entries each fill a batch, for which each waits 20 s at most.</summary>
    private (NodeEdge Edge, ServedModel Model, CallSpec Call) Gathering(FakeTimeProvider clock)
    {
        ModelSnapshot add = FakeNode.AddModel("fixed") with { Inputs = [new("INPUT0", ElementType.Fp32, new(-1, 3))] };
        FakeNode node = Node(
            "max_batch_size: 4 dynamic_batching { max_queue_delay_microseconds: 60000000 default_queue_policy { default_timeout_microseconds: 20000000 } }",
            add
        );
        NodeEdge edge = new(node, new ModelLedgers(clock), new EdgeSpec(null, 1 << 20, "0.0-test"), TestMemory.Host);
        Assert.True(InferenceCall.TryFind(edge, "fixed", null, out ServedModel? model, out _));
        return (edge, model, new CallSpec([new Tensor("INPUT0", ElementType.Fp32, new TensorShape(2, 3), new byte[24])], [], []));
    }

    private FakeNode Node(string configuration, ModelSnapshot? snapshot = null)
    {
        ModelSnapshot model = snapshot ?? FakeNode.FixedModel();
        Directory.CreateDirectory(Path.Combine(_folder.Path, "fixed"));
        _folder.Write("fixed/config.pbtxt", configuration);
        var configured = ModelConfiguration.Of(
            GivenConfiguration.Read(_folder.Path, Path.Combine(_folder.Path, "fixed")),
            new ModuleSpec(model.Model, model.Platform, model.Inputs, model.Outputs, [], SafeToResend: true),
            "model.onnx",
            devices: [],
            lanes: 2,
            defaultMaxBatchSize: 4
        );
        FakeNode node = new(model) { Configuration = known => known == model.Model ? configured : null };
        node.Answer = node.Echo;
        return node;
    }
}
