using Troupe.Hosting.Edge;
using Troupe.Messages.Forwarding;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>A caller says how long it waits, and how urgent it is.</summary>
public sealed class RequestDeadlineTests
{
    private const string Inputs = "\"inputs\":[{\"name\":\"INPUT0\",\"datatype\":\"INT64\",\"shape\":[2,3],\"data\":[1,2,3,4,5,6]}]";

    [Theory]
    [InlineData(null, "", false, 30_000)]
    [InlineData("500ms", "", false, 500)]
    [InlineData("90s", "", false, 90_000)]
    [InlineData(null, "\"timeout\":1", false, 30_000)]
    [InlineData(null, "\"timeout\":2000", true, 2)]
    [InlineData("500ms", "\"timeout\":2000", true, 2)]
    [InlineData("1ms", "\"timeout\":2000", true, 1)]
    [InlineData("500ms", "\"timeout\":2000", false, 500)]
    [InlineData(null, "\"timeout\":0", true, 30_000)]
    [InlineData(null, "\"timeout\":18446744073709551615", true, 86_400_000)]
    public async Task The_shorter_of_header_and_parameter_is_the_deadline(
        string? header,
        string parameters,
        bool honoured,
        double milliseconds
    )
    {
        FakeNode node = Node();
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node, requestTimeouts: honoured);

        Assert.Equal(200, (await InferAsync(edge, parameters, header)).Status);
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Assert.Single(node.Forwards).TimeLeft);
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("0s")]
    [InlineData("-1s")]
    [InlineData("500")]
    [InlineData("1s, 2s")]
    public async Task A_header_that_is_no_time_is_refused(string header)
    {
        FakeNode node = Node();
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);

        (int status, string body) = await InferAsync(edge, "", header);

        Assert.Equal(
            (400, $"Troupe-Timeout: '{header}': write a number with ms, s, m or h, e.g. 30s"),
            (status, EdgeFixture.ErrorOf(body))
        );
        Assert.Empty(node.Forwards);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("\"priority\":1", 1)]
    [InlineData("\"priority\":8", 8)]
    [InlineData("\"priority\":18446744073709551615", 0)]
    public async Task A_priority_goes_with_the_forward(string parameters, int priority)
    {
        FakeNode node = Node();
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);

        Assert.Equal(200, (await InferAsync(edge, parameters, null)).Status);
        Assert.Equal((priority, ForwardClass.Online), (node.Forwards.Single().Priority, node.Forwards.Single().Class));
    }

    [Theory]
    [InlineData(4, 4, true)]
    [InlineData(4, 5, false)]
    [InlineData(5, 5, true)]
    [InlineData(0, 1000, true)]
    public void The_batch_limit_of_a_model_that_says_none_is_the_node_s(int limit, int batch, bool taken)
    {
        FakeNode node = new(FakeNode.AddModel());
        NodeEdge edge = new(
            node,
            new ModelLedgers(TimeProvider.System),
            new EdgeSpec(null, 1 << 20, "test") { DefaultMaxBatchSize = limit },
            TestMemory.Host
        );
        string one = string.Join(',', Enumerable.Repeat("1,2,3", batch));
        string input = $"\"datatype\":\"FP32\",\"shape\":[{batch},3],\"data\":[{one}]";
        string body = $"{{\"inputs\":[{{\"name\":\"INPUT0\",{input}}},{{\"name\":\"INPUT1\",{input}}}]}}";

        Assert.Equal(
            taken,
            TestMemory.TryRead(
                System.Text.Encoding.UTF8.GetBytes(body),
                null,
                edge.Catalogue.All.Single().Contract,
                out _,
                out _,
                TestContext.Current.CancellationToken
            )
        );
    }

    private static FakeNode Node()
    {
        FakeNode node = new(FakeNode.FixedModel());
        node.Answer = node.Echo;
        return node;
    }

    private static async Task<(int Status, string Body)> InferAsync(EdgeFixture edge, string parameters, string? header)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v2/models/fixed/infer")
        {
            Content = new StringContent($"{{{Inputs},\"parameters\":{{{parameters}}}}}"),
        };
        if (header is not null)
        {
            request.Headers.TryAddWithoutValidation("Troupe-Timeout", header);
        }

        using HttpResponseMessage answer = await edge.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
