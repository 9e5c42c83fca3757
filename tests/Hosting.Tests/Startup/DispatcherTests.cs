using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Hosting.Tests.Http;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Hosting.Tests.Startup;

/// <summary>The endpoints as a table, through the real server on loopback, over a node made of its answers.</summary>
public sealed class DispatcherTests
{
    [Theory]
    [InlineData("GET", "/", 404, "text/plain", "Not Found")]
    [InlineData("GET", "/v2/", 404, "text/plain", "Not Found")]
    [InlineData("POST", "/nope", 404, "text/plain", "Not Found")]
    [InlineData("GET", "/v2/models/add/nope", 404, "text/plain", "Not Found")]
    [InlineData("GET", "/v2/models//add", 404, "text/plain", "Not Found")]
    [InlineData("GET", "/v2/models/../health/live", 404, "text/plain", "Not Found")]
    [InlineData("POST", "/v2/health/live", 405, "text/plain", "Method Not Allowed")]
    [InlineData("POST", "/v2", 405, "application/json", "Method Not Allowed")]
    [InlineData("DELETE", "/v2/models/add/infer", 405, "text/plain", "Method Not Allowed")]
    [InlineData("OPTIONS", "/v2/models/add/infer", 405, "text/plain", "Method Not Allowed")]
    [InlineData("GET", "/v2/repository/index", 405, "application/json", "Method Not Allowed")]
    [InlineData("GET", "/v2/models/%61dd/ready", 400, "text/plain", "Model version not ready")]
    [InlineData("GET", "/v2/models/add%zz/ready", 400, "text/plain", "Model version not ready")]
    [InlineData("GET", "/v2/models/add/versions/2/ready", 400, "text/plain", "Model version not ready")]
    [InlineData("GET", "/v2/models/%C3%A9", 404, "application/json", "Request for unknown model: '%C3%A9' is not found")]
    [InlineData("GET", "/v2/models/add/versions/9", 404, "application/json", "Request for unknown model: 'add' version 9 is not found")]
    [InlineData("GET", "/v2/models/nope/config", 404, "application/json", "Request for unknown model: 'nope' is not found")]
    [InlineData("GET", "/v2/models/nope/stats", 400, "application/json", "requested model 'nope' is not available")]
    [InlineData(
        "GET",
        "/v2/models/add/versions/9/stats",
        400,
        "application/json",
        "requested model version is not available for model 'add'"
    )]
    [InlineData("POST", "/v2/models/nope/infer", 404, "text/plain", "Request for unknown model: 'nope' is not found")]
    [InlineData("POST", "/v2/repository/repo/models/add/load", 501, "application/json", "'repository_name' specification is not supported")]
    [InlineData("POST", "/v2/repository/models/nope/load", 400, "application/json", "failed to load 'nope': no such model")]
    public async Task A_request_that_cannot_be_served_gets_status_label_and_one_error(
        string method,
        string path,
        int status,
        string contentType,
        string error
    )
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel()));

        (int Status, string ContentType, string Body) answer = await edge.SendAsync(method, path, null);

        Assert.Equal((status, contentType), (answer.Status, answer.ContentType));
        Assert.Equal(error, EdgeFixture.ErrorOf(answer.Body));
        Assert.Equal(200, (await edge.GetAsync("/v2/models/add/ready")).Status);
    }

    [Theory]
    [InlineData("/v2/health/live")]
    [InlineData("/v2/health/ready?verbose=1")]
    [InlineData("/v2/models/add/ready")]
    [InlineData("/v2/models/add/versions/01/ready")]
    public async Task Health_answers_200_with_nothing(string path)
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel()));

        Assert.Equal((200, "text/plain", ""), await edge.GetAsync(path));
    }

    [Fact]
    public async Task Head_is_405_without_a_body()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode());

        Assert.Equal((405, "text/plain", ""), await edge.SendAsync("HEAD", "/v2/health/live", null));
    }

    [Fact]
    public async Task Server_metadata_lists_only_extensions_that_work()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode());

        JsonElement answer = JsonDocument.Parse((await edge.GetAsync("/v2?x=1")).Body).RootElement;

        Assert.Equal("troupe", answer.GetProperty("name").GetString());
        Assert.Equal(
            [
                "classification",
                "model_repository",
                "schedule_policy",
                "model_configuration",
                "binary_tensor_data",
                "parameters",
                "statistics",
            ],
            answer.GetProperty("extensions").EnumerateArray().Select(one => one.GetString())
        );
    }

    [Fact]
    public async Task Model_metadata_has_every_served_version_and_the_batch_dimension()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(
            new FakeNode(
                FakeNode.AddModel(number: 3),
                FakeNode.AddModel(number: 1),
                FakeNode.AddModel(number: 4, state: ModelState.Unavailable, reason: "broken")
            )
        );

        Assert.Equal(
            """{"name":"add","versions":["1","3"],"platform":"onnxruntime_onnx","inputs":[{"name":"INPUT0","datatype":"FP32","shape":[-1,3]},{"name":"INPUT1","datatype":"FP32","shape":[-1,3]}],"outputs":[{"name":"OUTPUT0","datatype":"FP32","shape":[-1,3]}]}""",
            (await edge.GetAsync("/v2/models/add")).Body
        );
        Assert.Contains("\"versions\":[\"1\"]", (await edge.GetAsync("/v2/models/add/versions/1")).Body, StringComparison.Ordinal);
        Assert.Equal(404, (await edge.GetAsync("/v2/models/add/versions/4")).Status);
    }

    [Fact]
    public async Task The_configuration_batches_four_where_the_first_dimension_is_free_and_none_where_it_is_fixed()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel(), FakeNode.FixedModel()));

        JsonElement batched = JsonDocument.Parse((await edge.GetAsync("/v2/models/add/config")).Body).RootElement;
        JsonElement whole = JsonDocument.Parse((await edge.GetAsync("/v2/models/fixed/config")).Body).RootElement;

        Assert.Equal(
            (4, "[3]"),
            (batched.GetProperty("max_batch_size").GetInt32(), batched.GetProperty("input")[0].GetProperty("dims").GetRawText())
        );
        Assert.Equal(
            (0, "[2,3]"),
            (whole.GetProperty("max_batch_size").GetInt32(), whole.GetProperty("output")[0].GetProperty("dims").GetRawText())
        );
        Assert.Equal("[4]", batched.GetProperty("dynamic_batching").GetProperty("preferred_batch_size").GetRawText());
        Assert.False(whole.TryGetProperty("dynamic_batching", out _));
        Assert.False(batched.TryGetProperty("model_transaction_policy", out _));
    }

    [Theory]
    [InlineData(true, "Ready", false)]
    [InlineData(false, "Quarantined", false)]
    [InlineData(false, "Ready", true)]
    public async Task A_node_is_not_ready_while_it_drains_or_has_no_working_device_or_a_failed_model(
        bool draining,
        string health,
        bool failedModel
    )
    {
        FakeNode node = new();
        node.View = new ClusterView(
            [
                node.Snapshot(
                    failedModel ? [FakeNode.AddModel(state: ModelState.Unavailable, reason: "corrupt")] : [],
                    draining,
                    Enum.Parse<GpuHealth>(health)
                ),
            ],
            []
        );
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);

        Assert.Equal(400, (await edge.GetAsync("/v2/health/ready")).Status);
        Assert.Equal(200, (await edge.GetAsync("/v2/health/live")).Status);
    }

    [Fact]
    public async Task An_unloaded_model_leaves_the_node_ready()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(
            new FakeNode(FakeNode.AddModel(state: ModelState.Unavailable, reason: "unloaded"))
        );

        Assert.Equal(200, (await edge.GetAsync("/v2/health/ready")).Status);
    }

    [Fact]
    public async Task The_index_has_states_and_reasons_and_of_models_never_loaded_only_the_name()
    {
        DirectoryInfo repository = Directory.CreateTempSubdirectory("troupe-index");
        try
        {
            repository.CreateSubdirectory("add");
            repository.CreateSubdirectory("late");
            await using EdgeFixture edge = await EdgeFixture.StartAsync(
                new FakeNode(FakeNode.AddModel(), FakeNode.AddModel("broken", state: ModelState.Unavailable, reason: "corrupt")),
                new FolderModelRepository(repository.FullName, _ => { })
            );

            Assert.Equal(
                """[{"name":"add","version":"1","state":"READY"},{"name":"broken","version":"1","state":"UNAVAILABLE","reason":"corrupt"},{"name":"late"}]""",
                (await edge.PostAsync("/v2/repository/index")).Body
            );
            Assert.Equal(
                """[{"name":"add","version":"1","state":"READY"}]""",
                (await edge.PostAsync("/v2/repository/nope/index", """{"ready":true}""")).Body
            );
            Assert.Equal(400, (await edge.PostAsync("/v2/repository/index", "{")).Status);
            Assert.Equal(400, (await edge.PostAsync("/v2/repository/index", """{"ready":"yes"}""")).Status);
        }
        finally
        {
            repository.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_post_without_length_and_body_is_answered()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel()));
        using TcpClient socket = new();
        await socket.ConnectAsync(edge.Url.Host, edge.Url.Port, TestContext.Current.CancellationToken);
        NetworkStream stream = socket.GetStream();

        await stream.WriteAsync(
            Encoding.ASCII.GetBytes("POST /v2/repository/index HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            TestContext.Current.CancellationToken
        );
        using StreamReader reader = new(stream);
        string answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        Assert.EndsWith("""[{"name":"add","version":"1","state":"READY"}]""", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_and_unload_reach_the_node_and_unload_is_always_200()
    {
        FakeNode node = new(FakeNode.AddModel());
        List<string> asked = [];
        node.Load = (load, _) =>
        {
            asked.Add($"load {load.Name}");
            return new ModelReply.Loaded(FakeNode.AddModel(load.Name).Model, [node.Gpu]);
        };
        node.Unload = (unload, _) =>
        {
            asked.Add($"unload {unload.Name}");
            return new ModelReply.Failed(unload.Name, FailureKind.NotFound, "no such model");
        };
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);

        Assert.Equal((200, "application/json", ""), await edge.PostAsync("/v2/repository/models/late/load"));
        Assert.Equal((200, "application/json", ""), await edge.PostAsync("/v2/repository/models/nope/unload", "not json"));
        Assert.Equal(["load late", "unload nope"], asked);
    }

    [Fact]
    public async Task A_load_parameter_that_would_be_ignored_is_refused()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode());

        (int Status, string ContentType, string Body) answer = await edge.PostAsync(
            "/v2/repository/models/late/load",
            """{"parameters":{"foo":"bar"}}"""
        );

        Assert.Equal(400, answer.Status);
        Assert.Contains(
            "load parameter 'foo' is unknown; a load has 'config' and 'file:VERSION/NAME'",
            EdgeFixture.ErrorOf(answer.Body),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Devices_nodes_and_models_are_listed()
    {
        FakeNode node = new(FakeNode.AddModel());
        node.View = node.View with { Unreachable = [new NodeId("gone:2")] };
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);

        Assert.Equal(
            """{"devices":[{"id":"fake:1/0","node":"fake:1","ordinal":0,"name":"emulated","health":"ready","reason":"","queued":3,"queue_limit":64,"in_flight":1,"memory_used_bytes":1048576,"memory_total_bytes":1073741824,"models":["add/1"]}]}""",
            (await edge.GetAsync("/v2/troupe/devices")).Body
        );
        Assert.Equal(
            """{"nodes":[{"id":"fake:1","incarnation":"0000000000000007","self":true,"reachable":true,"draining":false,"version":"0.0-test","devices":1,"models":["add/1"]},{"id":"gone:2","incarnation":"","self":false,"reachable":false,"draining":false,"version":"","devices":0,"models":[]}]}""",
            (await edge.GetAsync("/v2/troupe/nodes")).Body
        );
        Assert.Equal(
            """{"models":[{"name":"add","version":1,"state":"READY","reason":"","platform":"onnxruntime_onnx","node":"fake:1","devices":["fake:1/0"],"hash":"0000000000000001000000000000000200000000000000030000000000000001","version_rule":"newest","unversioned_share":1}]}""",
            (await edge.GetAsync("/v2/troupe/models")).Body
        );
    }

    [Fact]
    public async Task A_load_through_the_administration_names_version_path_node_and_devices()
    {
        FakeNode node = new();
        (LoadModel? Load, NodeId? Node) asked = default;
        node.Load = (load, target) =>
        {
            asked = (load, target);
            return new ModelReply.Loaded(FakeNode.AddModel(load.Name, 2).Model, [node.Gpu]);
        };
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);

        (int Status, string ContentType, string Body) answer = await edge.PostAsync(
            "/v2/troupe/models/m/load",
            """{"version":2,"path":"/models/m.onnx","node":"fake:1","gpus":[0]}"""
        );

        Assert.Equal(
            (
                200,
                """{"name":"m","version":2,"hash":"0000000000000001000000000000000200000000000000030000000000000002","devices":["fake:1/0"]}"""
            ),
            (answer.Status, answer.Body)
        );
        Assert.Equal(("m", 2, "/models/m.onnx", node.Id), (asked.Load!.Name, asked.Load.Number, asked.Load.Path, asked.Node));
        Assert.Equal([0], asked.Load.Gpus!);
        Assert.Equal(404, (await edge.PostAsync("/v2/troupe/models/m/load", """{"node":"other:9"}""")).Status);
        Assert.Equal(400, (await edge.PostAsync("/v2/troupe/models/m/load", """{"pth":"x"}""")).Status);
        Assert.Equal(404, (await edge.PostAsync("/v2/troupe/models/m/unload", "{}")).Status);
    }

    [Theory]
    [InlineData("DELETE", "/v2/models/add/infer", "POST")]
    [InlineData("HEAD", "/v2/health/live", "GET")]
    [InlineData("PUT", "/v2/troupe/modes/00000000000000000000000000000001", "DELETE")]
    public async Task A_verb_that_a_path_does_not_have_is_told_which_it_has(string verb, string path, string allowed)
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode());
        using HttpRequestMessage request = new(new HttpMethod(verb), path);

        using HttpResponseMessage answer = await edge.SendAsync(request);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Contains(allowed, answer.Content.Headers.Allow);
    }

    [Theory]
    [InlineData(FailureKind.QueueFull, 503, true)]
    [InlineData(FailureKind.Draining, 503, false)]
    [InlineData(FailureKind.ModeConflict, 400, false)]
    public async Task A_failure_that_passes_says_when_to_try_again(FailureKind kind, int status, bool again)
    {
        FakeNode node = new(FakeNode.AddModel()) { Answer = forward => new ForwardReply.Failed(forward.Id, kind, "so it is") };
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        using HttpRequestMessage request = new(HttpMethod.Post, "/v2/models/add/infer")
        {
            Content = new StringContent(
                """{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,3],"data":[1,2,3]},{"name":"INPUT1","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}"""
            ),
        };

        using HttpResponseMessage answer = await edge.SendAsync(request);

        Assert.Equal((status, again), ((int)answer.StatusCode, answer.Headers.RetryAfter is not null));
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("""{"error":"so it is"}""", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused_and_the_next_request_is_served()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel()), maxRequestBytes: 100);

        (int Status, string ContentType, string Body) answer = await edge.PostAsync("/v2/models/add/infer", new string(' ', 101));

        Assert.Equal(400, answer.Status);
        Assert.Contains("larger than 100 bytes", EdgeFixture.ErrorOf(answer.Body), StringComparison.Ordinal);
        Assert.Equal(200, (await edge.GetAsync("/v2/health/live")).Status);
    }
}
