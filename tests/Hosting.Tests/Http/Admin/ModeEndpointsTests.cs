using System.Text.Json;
using Troupe.Hosting.Demo;

namespace Troupe.Hosting.Tests.Http.Admin;

/// <summary>Modes over HTTP against a real node: what is asked for holds, what is wrong is refused in its own words, and then nothing has
/// changed.</summary>
public sealed class ModeEndpointsTests(ServedNode node) : IClassFixture<ServedNode>
{
    private const string Modes = "/v2/troupe/modes";

    [Fact]
    public async Task An_entered_mode_is_listed_explained_renewed_and_over_when_its_token_is_deleted()
    {
        JsonElement entered = await node.AskAsync(
            "POST",
            Modes + "/enter",
            """{"modes":{"cuda_graphs":"auto"},"scope":{"model":"fmnist"},"lease":"20s"}"""
        );
        string token = entered.GetProperty("token").GetString()!;
        Assert.Equal(2, entered.GetProperty("applied_by").GetArrayLength());
        Assert.Equal(0, entered.GetProperty("not_reached").GetArrayLength());
        JsonElement entry = Assert.Single(
            (await node.AskAsync("GET", Modes + "?model=fmnist")).GetProperty("entries").EnumerateArray(),
            one => one.TryGetProperty("token", out JsonElement its) && its.GetString() == token
        );
        Assert.Equal(
            ("entered", "model fmnist", "auto"),
            (
                entry.GetProperty("kind").GetString(),
                entry.GetProperty("scope_text").GetString(),
                entry.GetProperty("modes").GetProperty("cuda-graphs").GetString()
            )
        );
        Assert.InRange(entry.GetProperty("lease_left_seconds").GetDouble(), 1, 20);
        Assert.Equal(("auto", "model fmnist (entered)"), await node.ExplainAsync("cuda-graphs", "?model=fmnist"));
        Assert.Equal(("off", "default"), await node.ExplainAsync("cuda-graphs"));

        JsonElement renewed = await node.AskAsync("POST", $"{Modes}/{token}/renew", """{"lease":"1h"}""");
        Assert.Equal((token, 3600d), (renewed.GetProperty("token").GetString(), renewed.GetProperty("lease_seconds").GetDouble()));
        entry = Assert.Single(
            (await node.AskAsync("GET", Modes + "?model=fmnist")).GetProperty("entries").EnumerateArray(),
            one => one.TryGetProperty("token", out JsonElement its) && its.GetString() == token
        );
        Assert.InRange(entry.GetProperty("lease_left_seconds").GetDouble(), 3000, 3600);

        Assert.Equal(token, (await node.AskAsync("DELETE", $"{Modes}/{token}")).GetProperty("token").GetString());
        Assert.Equal(("off", "default"), await node.ExplainAsync("cuda-graphs", "?model=fmnist"));
        await RefusedAsync(404, "it was exited", "DELETE", $"{Modes}/{token}");
        await RefusedAsync(404, "it was exited", "POST", $"{Modes}/{token}/renew", """{"lease":"1s"}""");
    }

    [Fact]
    public async Task A_baseline_holds_below_what_is_narrower_and_until_it_is_set_again()
    {
        JsonElement set = await node.AskAsync("POST", Modes + "/set", """{"modes":{"multi_device_safe":"on"}}""");
        Assert.False(set.TryGetProperty("token", out _));
        string token = (
            await node.AskAsync(
                "POST",
                Modes + "/enter",
                $$$"""{"modes":{"multi_device_safe":"off"},"scope":{"gpu":"{{{node.Node}}}/1"}}"""
            )
        )
            .GetProperty("token")
            .GetString()!;
        Assert.Equal("on", (await node.ExplainAsync("multi-device-safe", $"?gpu={node.Node}/0")).Value);
        Assert.Equal("off", (await node.ExplainAsync("multi-device-safe", $"?gpu={node.Node}/1")).Value);
        await node.AskAsync("DELETE", $"{Modes}/{token}");
        Assert.Equal("on", (await node.ExplainAsync("multi-device-safe", $"?gpu={node.Node}/1")).Value);
        await node.AskAsync("POST", Modes + "/set", """{"modes":{"multi_device_safe":"off"}}""");
        Assert.Equal("off", (await node.ExplainAsync("multi-device-safe")).Value);
    }

    [Fact]
    public async Task A_baseline_that_is_taken_back_shows_what_holds_more_widely()
    {
        await node.AskAsync("POST", Modes + "/set", """{"modes":{"pre-allocated-outputs":true,"profile":"auto"}}""");
        await node.AskAsync("POST", Modes + "/set", """{"modes":{"pre-allocated-outputs":false,"profile":0},"scope":{"model":"fmnist"}}""");
        Assert.Equal(("off", "model fmnist (baseline)"), await node.ExplainAsync("pre-allocated-outputs", "?model=fmnist"));

        JsonElement unset = await node.AskAsync("DELETE", Modes + "/set?settings=preAllocatedOutputs&model=fmnist");
        Assert.Equal(2, unset.GetProperty("applied_by").GetArrayLength());
        Assert.Equal(("on", "cluster (baseline)"), await node.ExplainAsync("pre-allocated-outputs", "?model=fmnist"));
        Assert.Equal(("0", "model fmnist (baseline)"), await node.ExplainAsync("profile", "?model=fmnist"));

        await node.AskAsync("DELETE", Modes + "/set?settings=profile,pre-allocated-outputs&model=fmnist");
        await node.AskAsync("DELETE", Modes + "/set?settings=profile,pre-allocated-outputs");
        Assert.Equal(("0", "default"), await node.ExplainAsync("profile", "?model=fmnist"));
        await RefusedAsync(400, "there is no mode 'speed'", "DELETE", Modes + "/set?settings=speed");
        await RefusedAsync(400, "name at least one", "DELETE", Modes + "/set");
        await RefusedAsync(400, "unknown scope 'modle'", "DELETE", Modes + "/set?settings=profile&modle=fmnist");
    }

    [Fact]
    public async Task What_is_not_there_is_said_and_not_answered_as_done()
    {
        await node.AskAsync("POST", Modes + "/set", """{"modes":{"pre-allocated-outputs":true},"scope":{"model":"fmnist"}}""");
        await RefusedAsync(404, "nothing is set for cluster of profile;", "DELETE", Modes + "/set?settings=profile");
        await RefusedAsync(404, "nothing is set for cluster of", "DELETE", Modes + "/set?settings=pre-allocated-outputs");
        await RefusedAsync(404, "nothing is set for model fmnist of profile", "DELETE", Modes + "/set?settings=profile&model=fmnist");
        await node.AskAsync("DELETE", Modes + "/set?settings=pre-allocated-outputs&model=fmnist");
        await RefusedAsync(404, "nothing is set", "DELETE", Modes + "/set?settings=pre-allocated-outputs&model=fmnist");

        await RefusedAsync(404, "Model 'nope' is not loaded", "GET", Modes + "?model=nope");
        await RefusedAsync(404, "Model 'nope' is not loaded", "GET", Modes + "/explain?model=nope");
        await RefusedAsync(404, "Model 'nope' is not loaded", "GET", Modes + "/audit?model=nope");
        await RefusedAsync(400, "a scope is given by model and session", "GET", $"{Modes}/audit?node={node.Node}");
        await RefusedAsync(400, "a scope is given by model and session", "GET", $"{Modes}/audit?gpu={node.Node}/0");
        await RefusedAsync(
            400,
            "the mode 'preAllocatedOutputs' is given twice",
            "POST",
            Modes + "/set",
            """{"modes":{"pre-allocated-outputs":true,"preAllocatedOutputs":false}}"""
        );
    }

    [Theory]
    [InlineData("""{"multiDeviceSafe":true,"profile":0,"weightBudget":1024}""")]
    [InlineData("""{"multi_device_safe":"TRUE","Profile":"0","weight_budget":"1024"}""")]
    [InlineData("""{"multi-device-safe":"On","PROFILE":0,"WeightBudget":1024}""")]
    public async Task Names_are_read_in_every_spelling_and_values_as_text_flags_and_numbers_alike(string modes)
    {
        string token = (await node.AskAsync("POST", Modes + "/enter", $$"""{"modes":{{modes}}}""")).GetProperty("token").GetString()!;
        Assert.Equal("on", (await node.ExplainAsync("multi-device-safe")).Value);
        Assert.Equal("0", (await node.ExplainAsync("profile")).Value);
        Assert.Equal("1024", (await node.ExplainAsync("weight-budget")).Value);
        await node.AskAsync("DELETE", $"{Modes}/{token}");
    }

    [Fact]
    public async Task Audited_forwards_are_counted_for_the_scope_that_asked_and_can_be_read_everywhere()
    {
        await node.AskAsync("POST", Modes + "/set", """{"modes":{"audit":"on"},"scope":{"model":"fmnist"}}""");
        await node.AskAsync("POST", "/v2/models/fmnist/infer", Infer(""));
        await node.AskAsync("POST", "/v2/models/fmnist/infer", Infer(""));
        await node.AskAsync("POST", "/v2/models/fmnist/infer", Infer(""" "troupe_audit": false """));
        await node.AskAsync("POST", "/v2/models/fmnist/infer", Infer(""" "troupe_audit": true """));
        Assert.Equal(400, (await node.SendAsync("POST", "/v2/models/fmnist/infer", Infer(""" "troupe_profile": 7 """))).Status);

        JsonElement row = Assert.Single((await node.AskAsync("GET", Modes + "/audit?model=fmnist")).GetProperty("scopes").EnumerateArray());
        Assert.Equal("model fmnist", row.GetProperty("scope_text").GetString());
        Assert.Equal((3, 2, 2), (Count(row, "accepted"), Count(row, "succeeded"), Count(row, "executed")));
        Assert.Equal((0, 0), (Count(row, "redispatched"), Count(row, "late")));
        Assert.Equal(1, row.GetProperty("failed").GetProperty("invalid-request").GetInt64());

        await node.AskAsync("DELETE", Modes + "/set?settings=audit&model=fmnist");
        await node.AskAsync("POST", "/v2/models/fmnist/infer", Infer(""));
        (int exit, string output, string error) = await node.RunAsync(["modes", "audit"]);
        Assert.True(exit == 0, error);
        Assert.Matches(@"model fmnist +3 +2 +invalid-request=1 +0 +2 +0", output);
        Assert.Matches(@"call +1 +1 +0 +1 +0", output);
        await RefusedAsync(
            400,
            "is looked up by the router",
            "POST",
            Modes + "/set",
            $$$"""{"modes":{"audit":"on"},"scope":{"gpu":"{{{node.Node}}}/0"}}"""
        );

        static long Count(JsonElement row, string name) => row.GetProperty(name).GetInt64();
    }

    [Fact]
    public async Task A_session_sees_its_own_modes_until_it_is_closed()
    {
        string session = (await node.AskAsync("POST", "/v2/troupe/sessions", """{"lease":"30s"}""")).GetProperty("session").GetString()!;
        await node.AskAsync(
            "POST",
            Modes + "/enter",
            $$$"""{"modes":{"pre_allocated_outputs":"on"},"scope":{"session":"{{{session}}}"},"lease":"1h"}"""
        );
        Assert.Equal("on", (await node.ExplainAsync("pre-allocated-outputs", $"?session={session}")).Value);
        Assert.Equal("off", (await node.ExplainAsync("pre-allocated-outputs")).Value);
        Assert.Equal(
            60d,
            (await node.AskAsync("POST", $"/v2/troupe/sessions/{session}/renew", """{"lease":"1m"}"""))
                .GetProperty("lease_seconds")
                .GetDouble()
        );
        await RefusedAsync(
            400,
            "weight-budget belongs to an instance",
            "POST",
            Modes + "/enter",
            $$$"""{"modes":{"weight_budget":"50%"},"scope":{"session":"{{{session}}}"}}"""
        );
        await node.AskAsync("DELETE", $"/v2/troupe/sessions/{session}");
        await RefusedAsync(
            404,
            "is closed",
            "POST",
            Modes + "/enter",
            $$$"""{"modes":{"pre_allocated_outputs":"on"},"scope":{"session":"{{{session}}}"}}"""
        );
        await RefusedAsync(404, "is closed", "DELETE", $"/v2/troupe/sessions/{session}");
        Assert.DoesNotContain(
            (await node.AskAsync("GET", Modes)).GetProperty("entries").EnumerateArray(),
            entry => entry.GetProperty("scope_text").GetString()!.Contains(session, StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData(400, "there is no mode 'cuda_grafs'; there are cuda-graphs, pre-allocated-outputs", """{"modes":{"cuda_grafs":"on"}}""")]
    [InlineData(
        400,
        "mode 'cuda-graphs' has no value 'sometimes'; it is off, per-segment, whole-module or auto",
        """{"modes":{"cuda_graphs":"sometimes"}}"""
    )]
    [InlineData(400, "The change sets no mode", """{"modes":{}}""")]
    [InlineData(400, "The change sets no mode", "")]
    [InlineData(400, "mode 'cuda-graphs' has no value '1'", """{"modes":{"cudaGraphs":1}}""")]
    [InlineData(400, "mode 'cuda-graphs' has no value 'on'", """{"modes":{"cuda-graphs":true}}""")]
    [InlineData(400, "mode 'weight-budget' has no value '0.5'", """{"modes":{"weight-budget":0.5}}""")]
    [InlineData(400, "the body does not fit", """{"modes":{"cuda_graphs":["auto"]}}""")]
    [InlineData(400, "the body does not fit", """{"modes":{"cuda_graphs":"auto"},"scoop":{"model":"fmnist"}}""")]
    [InlineData(400, "the body does not fit", """{"modes":{"cuda_graphs":"auto"},"scope":{"modle":"fmnist"}}""")]
    [InlineData(400, "the body does not fit", """[1]""")]
    [InlineData(400, "the body names no modes", """{"modes":null}""")]
    [InlineData(400, "mode 'cuda-graphs' has no value", """{"modes":{"cuda_graphs":null}}""")]
    [InlineData(400, "the mode 'cuda-graphs' is given twice", """{"modes":{"cuda_graphs":"auto","cuda-graphs":"off"}}""")]
    [InlineData(
        400,
        "Both CUDA Graphs and dynamic output allocation are enabled",
        """{"modes":{"cuda_graphs":"auto","output_allocator":"on"}}"""
    )]
    [InlineData(400, "Optimization profile index -1 is negative", """{"modes":{"profile":"-1"}}""")]
    [InlineData(400, "Optimization profile index 99 out of range [0, 1)", """{"modes":{"profile":"99"},"scope":{"model":"fmnist"}}""")]
    [InlineData(400, "Requested budget cannot be negative", """{"modes":{"weight_budget":"-1"}}""")]
    [InlineData(400, "is out of range [0, 1]", """{"modes":{"weight_budget":"170%"}}""")]
    [InlineData(400, "is out of range [0, 1]", """{"modes":{"weight_budget":"NaN%"}}""")]
    [InlineData(501, "Streamable bytes are zero", """{"modes":{"weight_budget":"50%"},"scope":{"model":"fmnist"}}""")]
    [InlineData(501, "TRT-RTX-only", """{"modes":{"kernel_specialization":"eager"},"scope":{"model":"fmnist"}}""")]
    [InlineData(404, "Model 'nope' is not loaded", """{"modes":{"cuda_graphs":"auto"},"scope":{"model":"nope"}}""")]
    [InlineData(404, "Model 'fmnist/7' is not loaded", """{"modes":{"cuda_graphs":"auto"},"scope":{"model":"fmnist/7"}}""")]
    [InlineData(404, "Node elsewhere:1 is not a member", """{"modes":{"cuda_graphs":"auto"},"scope":{"node":"elsewhere:1"}}""")]
    [InlineData(404, "Node elsewhere:1 is not a member", """{"modes":{"cuda_graphs":"auto"},"scope":{"gpu":"elsewhere:1/0"}}""")]
    [InlineData(404, "has no GPU 9; it has 0, 1", """{"modes":{"cuda_graphs":"auto"},"scope":{"gpu":"NODE/9"}}""")]
    [InlineData(400, "a GPU is written host:port/ORDINAL", """{"modes":{"cuda_graphs":"auto"},"scope":{"gpu":"zero"}}""")]
    [InlineData(400, "which is on another node", """{"modes":{"cuda_graphs":"auto"},"scope":{"gpu":"NODE/0","node":"elsewhere:1"}}""")]
    [InlineData(400, "a node without an address", """{"modes":{"cuda_graphs":"auto"},"scope":{"node":""}}""")]
    [InlineData(400, "a model without a name", """{"modes":{"cuda_graphs":"auto"},"scope":{"model":""}}""")]
    [InlineData(400, "versions count from 1", """{"modes":{"cuda_graphs":"auto"},"scope":{"model":"fmnist/0"}}""")]
    [InlineData(400, "is no session; it has 32 hexadecimal digits", """{"modes":{"cuda_graphs":"auto"},"scope":{"session":"mine"}}""")]
    [InlineData(
        404,
        "is not known; open one first",
        """{"modes":{"cuda_graphs":"auto"},"scope":{"session":"00000000000000000000000000000001"}}"""
    )]
    public async Task A_wrong_change_is_one_clear_error_and_changes_nothing(int status, string words, string body)
    {
        string before = await HoldsAsync();
        foreach (string verb in new[] { "/enter", "/set" })
        {
            await RefusedAsync(status, words, "POST", Modes + verb, body.Replace("NODE", node.Node, StringComparison.Ordinal));
        }

        Assert.Equal(before, await HoldsAsync());
    }

    [Theory]
    [InlineData("0s", "A lease of 0 s is out of range")]
    [InlineData("99ms", "at least 0.1 s, at most 24 h")]
    [InlineData("25h", "at most 24 h; renew it to hold longer")]
    [InlineData("soon", "lease 'soon': write a number with ms, s, m or h")]
    [InlineData("-5s", "lease '-5s': write a number")]
    public async Task A_lease_out_of_bounds_is_refused_wherever_one_is_given(string lease, string words)
    {
        string token = (
            await node.AskAsync("POST", Modes + "/enter", """{"modes":{"multi_device_safe":"off"},"scope":{"model":"fmnist"}}""")
        )
            .GetProperty("token")
            .GetString()!;
        string session = (await node.AskAsync("POST", "/v2/troupe/sessions")).GetProperty("session").GetString()!;
        string before = await HoldsAsync();
        await RefusedAsync(400, words, "POST", Modes + "/enter", $$$"""{"modes":{"cuda_graphs":"auto"},"lease":"{{{lease}}}"}""");
        await RefusedAsync(400, words, "POST", $"{Modes}/{token}/renew", $$"""{"lease":"{{lease}}"}""");
        await RefusedAsync(400, words, "POST", "/v2/troupe/sessions", $$"""{"lease":"{{lease}}"}""");
        await RefusedAsync(400, words, "POST", $"/v2/troupe/sessions/{session}/renew", $$"""{"lease":"{{lease}}"}""");
        Assert.Equal(before, await HoldsAsync());
        await node.AskAsync("DELETE", $"{Modes}/{token}");
        await node.AskAsync("DELETE", $"/v2/troupe/sessions/{session}");
    }

    [Theory]
    [InlineData(400, "'nonsense' is no token; it has 32 hexadecimal digits", "nonsense")]
    [InlineData(404, "is not known: it is foreign, or its mode has long been over", "00000000000000000000000000000002")]
    public async Task A_token_that_names_nothing_is_refused(int status, string words, string token)
    {
        await RefusedAsync(status, words, "DELETE", $"{Modes}/{token}");
        await RefusedAsync(status, words, "POST", $"{Modes}/{token}/renew", """{"lease":"1s"}""");
    }

    [Fact]
    public async Task A_mode_whose_lease_has_ended_is_over_for_its_token_too()
    {
        string token = (await node.AskAsync("POST", Modes + "/enter", """{"modes":{"cuda_graphs":"auto"},"lease":"100ms"}"""))
            .GetProperty("token")
            .GetString()!;
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        bound.CancelAfter(TimeSpan.FromSeconds(20));
        using PeriodicTimer period = new(TimeSpan.FromMilliseconds(20));
        while ((await node.ExplainAsync("cuda-graphs")).Value != "off")
        {
            await period.WaitForNextTickAsync(bound.Token);
        }

        await RefusedAsync(404, "its lease has ended", "DELETE", $"{Modes}/{token}");
        await RefusedAsync(404, "its lease has ended", "POST", $"{Modes}/{token}/renew", """{"lease":"1s"}""");
    }

    [Theory]
    [InlineData("?modle=fmnist", "unknown scope 'modle'")]
    [InlineData("?model=fmnist&model=other", "the scope 'model' is given twice")]
    [InlineData("?gpu=0", "a GPU is written host:port/ORDINAL")]
    [InlineData("?model=", "a model without a name")]
    public async Task A_wrong_scope_in_a_query_is_refused(string query, string words)
    {
        await RefusedAsync(400, words, "GET", Modes + query);
        await RefusedAsync(400, words, "GET", Modes + "/explain" + query);
    }

    [Fact]
    public async Task A_call_brings_its_own_modes_and_wrong_ones_are_refused()
    {
        string good = Infer("");
        await node.AskAsync("POST", "/v2/models/fmnist/infer", good);
        await node.AskAsync(
            "POST",
            "/v2/models/fmnist/infer",
            Infer(""" "troupe_cuda_graphs": "per_segment", "troupe_pre_allocated_outputs": true, "troupe_profile": 0, "other": 1 """)
        );
        foreach (
            (int status, string words, string parameters) in new[]
            {
                (400, "parameter 'troupe_cuda_grafs': there is no mode 'cuda_grafs'", """ "troupe_cuda_grafs": "auto" """),
                (400, "mode 'cuda-graphs' has no value 'maybe'", """ "troupe_cuda_graphs": "maybe" """),
                (400, "mode 'cuda-graphs' has no value 'on'", """ "troupe_cuda_graphs": true """),
                (
                    400,
                    "Both CUDA Graphs and dynamic output allocation",
                    """ "troupe_cuda_graphs": "auto", "troupe_output_allocator": "on" """
                ),
                (400, "weight-budget belongs to an instance", """ "troupe_weight_budget": "50%" """),
                (400, "out of range [0, 1)", """ "troupe_profile": 3 """),
                (400, "is no session; it has 32 hexadecimal digits", """ "troupe_session": "mine" """),
            }
        )
        {
            (int got, JsonElement body) = await node.SendAsync("POST", "/v2/models/fmnist/infer", Infer(parameters));
            Assert.True(
                status == got && body.GetProperty("error").GetString()!.Contains(words, StringComparison.Ordinal),
                $"{parameters}: {got} {body}"
            );
            Assert.Equal(200, (await node.SendAsync("POST", "/v2/models/fmnist/infer", good)).Status);
        }
    }

    private static string Infer(string parameters)
    {
        IEnumerable<string> picture = Enumerable.Repeat("0.5", FashionMnist.Side * FashionMnist.Side);
        return $$"""{"parameters":{{{parameters}}},"inputs":[{"name":"image","datatype":"FP32","shape":[1,1,28,28],"data":[{{string.Join(',', picture)}}]}]}""";
    }

    private async Task RefusedAsync(int status, string words, string method, string path, string? body = null)
    {
        (int got, JsonElement answer) = await node.SendAsync(method, path, body);
        string error = answer.TryGetProperty("error", out JsonElement text) ? text.GetString()! : answer.ToString();
        Assert.True(got == status && error.Contains(words, StringComparison.Ordinal), $"{method} {path} {body}: {got} {error}");
    }

    /// <summary>Everything live, without what time changes.</summary>
    private async Task<string> HoldsAsync() =>
        string.Join(
            '\n',
            (await node.AskAsync("GET", Modes))
                .GetProperty("entries")
                .EnumerateArray()
                .Select(entry =>
                    $"{entry.GetProperty("kind")} {entry.GetProperty("scope_text")} {entry.GetProperty("modes")} {entry.GetProperty("epoch")}"
                )
        );
}
