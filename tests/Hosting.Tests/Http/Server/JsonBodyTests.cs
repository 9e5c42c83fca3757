using System.Text;

namespace Troupe.Hosting.Tests.Http.Server;

/// <summary>Bodies that are no document: every endpoint answers 400 and says where and why, in words of the protocol.</summary>
public sealed class JsonBodyTests
{
    private static readonly string[] Endpoints =
    [
        "/v2/repository/index",
        "/v2/repository/models/m/load",
        "/v2/troupe/models/m/load",
        "/v2/troupe/models/m/unload",
        "/v2/troupe/modes/set",
        "/v2/troupe/modes/enter",
        "/v2/troupe/sessions",
        "/v2/models/add/infer",
    ];

    public static TheoryData<string, string> Broken
    {
        get
        {
            TheoryData<string, string> rows = [];
            foreach (string endpoint in Endpoints)
            {
                rows.Add(endpoint, """{"r\ud800eady":false}""");
                rows.Add(endpoint, """{"parameters":{"\udc00":1}}""");
                rows.Add(endpoint, """{"\ud800":{"a":1}}""");
                rows.Add(endpoint, "{");
            }

            return rows;
        }
    }

    [Theory, MemberData(nameof(Broken))]
    public async Task What_is_no_json_is_400_without_the_name_of_a_type(string endpoint, string body)
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel()));

        (int status, _, string answer) = await edge.PostAsync(endpoint, body);

        Assert.Equal(400, status);
        Assert.DoesNotContain("Troupe.", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v2/repository/index", """{"ready":true,"ready":false}""", "Duplicate property 'ready'")]
    [InlineData("/v2/troupe/modes/set", """{"modes":{},"modes":{}}""", "Duplicate property 'modes'")]
    [InlineData("/v2/troupe/modes/set", """{"modes":{"audit":"on","audit":"off"}}""", "Duplicate property 'audit'")]
    [InlineData("/v2/troupe/modes/set", """{"modes":{"audit":"on"},"lease":"30s"}""", "there is no member 'lease'; known are modes, scope")]
    [InlineData("/v2/troupe/modes/set", """{"modes":{"audit":[]}}""", "'modes.audit' is not text, a flag or a number")]
    [InlineData("/v2/troupe/modes/set", """{"modes":3}""", "'modes' is not an object")]
    [InlineData("/v2/troupe/modes/enter", """{"modes":{},"scope":{"nod":"x"}}""", "there is no member 'scope.nod'; known are node, gpu")]
    [InlineData("/v2/troupe/modes/enter", """{"modes":{},"scope":{"node":3}}""", "'scope.node' is not text")]
    [InlineData("/v2/troupe/models/m/load", """{"version":"x"}""", "'version' is not a whole number")]
    [InlineData("/v2/troupe/models/m/load", """{"gpus":3}""", "'gpus' is not a list")]
    [InlineData("/v2/troupe/models/m/load", "[]", "it is not an object")]
    [InlineData("/v2/troupe/models/m/load", "{]", "failed to parse the request JSON buffer")]
    public async Task What_does_not_fit_is_named(string endpoint, string body, string words)
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode());

        (int status, _, string answer) = await edge.PostAsync(endpoint, body);

        Assert.Equal(400, status);
        Assert.Contains(words, EdgeFixture.ErrorOf(answer), StringComparison.Ordinal);
        Assert.DoesNotContain("Troupe.", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_byte_order_mark_is_passed_over()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode());

        (int status, _, string answer) = await edge.SendAsync(
            "POST",
            "/v2/repository/index",
            Encoding.UTF8.GetBytes("\uFEFF{\"ready\":true}")
        );

        Assert.Equal((200, "[]"), (status, answer));
    }

    /// <summary>The worst of each endpoint costs what it is long: counted as what is allocated for it.</summary>
    [Theory]
    [InlineData("parameters")]
    [InlineData("modes")]
    public void A_body_of_many_members_costs_what_it_is_long(string member)
    {
        long Cost(int members)
        {
            string many = string.Join(',', Enumerable.Range(0, members).Select(i => $"\"m{i}\":{i}"));
            byte[] body = Encoding.UTF8.GetBytes($"{{\"{member}\":{{{many}}}}}");
            long before = GC.GetAllocatedBytesForCurrentThread();
            using System.Text.Json.JsonDocument? document = Hosting.Http.Server.JsonBody.Parse(body);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        long one = Cost(10_000);
        Assert.InRange(Cost(20_000), 0, (5 * one / 2) + 100_000);
        Assert.InRange(Cost(40_000), 0, (5 * one) + 100_000);
    }
}
