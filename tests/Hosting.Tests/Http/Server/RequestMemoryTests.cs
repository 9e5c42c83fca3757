using System.Diagnostics;
using System.Globalization;
using System.Text;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;

namespace Troupe.Hosting.Tests.Http.Server;

/// <summary>Bodies in flight, sound and broken, over real sockets: within the budget, and nothing of them is left.</summary>
/// <remarks>That no lease is left the fixture asserts when it ends.</remarks>
public sealed class RequestMemoryTests
{
    private const string Post = "POST /v2/models/add/infer HTTP/1.1\r\nHost: t\r\nConnection: close\r\n";
    private const string Tensors =
        """{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,3],"parameters":{"binary_data_size":12}},{"name":"INPUT1","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_that_breaks_off_at_any_of_its_bytes_costs_its_connection_and_nothing_else()
    {
        FakeNode node = Echo();
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        string request = Request();
        for (int length = 0; length < request.Length; length++)
        {
            using RawClient client = await RawClient.ConnectAsync(edge.Url);
            await client.SendAsync(request[..length]);
            client.End();

            string answer = await client.ReadToEndAsync();

            Assert.True(
                answer.Length == 0 || answer.StartsWith("HTTP/1.1 400 ", StringComparison.Ordinal),
                $"after {length} bytes: {answer}"
            );
        }

        Assert.Empty(node.Forwards);
        await IsGoodAsync(edge, request);
        Assert.Equal(0, edge.Edge.Memory.Budget.Used);
    }

    [Theory]
    [InlineData("10737418240")]
    [InlineData("9223372036854775807")]
    [InlineData("9223372036854775808")]
    [InlineData("18446744073709551616")]
    [InlineData("-1")]
    [InlineData("1e9")]
    public async Task A_length_that_cannot_be_is_400_before_a_byte_of_it(string length)
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(Echo());
        using RawClient client = await RawClient.ConnectAsync(edge.Url);
        await client.SendAsync(Post + $"Content-Length: {length}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal((0, 0), (edge.Edge.Memory.Host.Snapshot().HighWaterBytes, edge.Edge.Memory.Budget.Used));
        await IsGoodAsync(edge, Request());
    }

    [Fact]
    public async Task Chunks_of_one_byte_make_a_body_as_any_other()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(Echo());
        StringBuilder chunks = new();
        foreach (char one in Tensors + new string('\0', 12))
        {
            chunks.Append(CultureInfo.InvariantCulture, $"1\r\n{one}\r\n");
        }

        using RawClient client = await RawClient.ConnectAsync(edge.Url);
        string head = Post + $"Inference-Header-Content-Length: {Tensors.Length}\r\nTransfer-Encoding: chunked\r\n\r\n";
        await client.SendAsync(head + chunks + "0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(0, edge.Edge.Memory.Budget.Used);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4095)]
    public async Task Without_room_for_a_body_the_answer_is_503_at_once_and_says_when_to_come_back(long budget)
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(Echo(), maxRequestMemory: budget);
        using RawClient client = await RawClient.ConnectAsync(edge.Url);
        await client.SendAsync(Request());

        string answer = await client.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 503 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nRetry-After: 1\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith(
            $$"""{"error":"the bodies of requests in flight (--max-request-memory) take 0 of {{budget}} bytes, and 4096 more are needed; try again when some are done"}""",
            answer,
            StringComparison.Ordinal
        );
        Assert.Equal(200, (await edge.GetAsync("/v2/health/live")).Status);
        Assert.Equal(1, edge.Edge.Memory.Budget.Refusals);
    }

    [Fact]
    public async Task Many_who_hold_back_half_of_their_body_leave_the_node_alive_and_within_its_budget()
    {
        const int Body = 1 << 20;
        const long Budget = 8 << 20;
        await using EdgeFixture edge = await EdgeFixture.StartAsync(Echo(), maxRequestBytes: Body, maxRequestMemory: Budget);
        string head = Post + $"Inference-Header-Content-Length: 2\r\nContent-Length: {Body}\r\n\r\n{{}}";
        List<RawClient> clients = [];
        try
        {
            for (int i = 0; i < 40; i++)
            {
                clients.Add(await RawClient.ConnectAsync(edge.Url));
                await clients[i].SendAsync(head + new string(' ', Body / 2));
            }

            // Whoever has no place has its answer; the others are waited for.
            Task<string>[] answers = [.. clients.Select(client => client.ReadHeadAsync())];
            await EventuallyAsync(edge, () => edge.Edge.Memory.Budget.Refusals == 32);

            for (int answered = 0; answered < 32; answered++)
            {
                Task<string> one = await Task.WhenAny(answers);
                answers = [.. answers.Where(other => other != one)];
                Assert.StartsWith("HTTP/1.1 503 ", await one, StringComparison.Ordinal);
            }

            Assert.InRange(edge.Edge.Memory.Host.Snapshot().HighWaterBytes, Body, Budget);
            Assert.Equal(Budget, edge.Edge.Memory.Budget.Used);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }

        await EndAsync(edge);
        await IsGoodAsync(edge, Request());
    }

    [Fact]
    public async Task A_body_that_could_not_be_held_to_its_end_is_refused_at_its_beginning()
    {
        const int Body = 60 << 20;
        await using EdgeFixture edge = await EdgeFixture.StartAsync(Echo(), maxRequestBytes: Body, maxRequestMemory: 32 << 20);
        using RawClient client = await RawClient.ConnectAsync(edge.Url);

        await client.SendAsync(Post + $"Content-Length: {Body}\r\n\r\n {{");

        Assert.StartsWith("HTTP/1.1 503 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal((0, 1), (edge.Edge.Memory.Host.Snapshot().HighWaterBytes, edge.Edge.Memory.Budget.Refusals));
    }

    [Fact]
    public async Task A_body_is_trusted_as_far_as_it_has_come()
    {
        const int Body = 60 << 20;
        await using EdgeFixture edge = await EdgeFixture.StartAsync(Echo(), maxRequestBytes: Body);
        using RawClient client = await RawClient.ConnectAsync(edge.Url);
        await client.SendAsync(Post + $"Content-Length: {Body}\r\n\r\n");
        await EventuallyAsync(
            edge,
            () =>
            {
                _ = client.SendAsync(" ");
                return edge.Edge.Memory.Budget.Used > 0;
            }
        );
        Assert.Equal(1 << 20, edge.Edge.Memory.Budget.Used);

        await client.SendAsync(new string(' ', 2 << 20));
        await EventuallyAsync(edge, () => edge.Edge.Memory.Budget.Used > 2 << 20);

        Assert.InRange(edge.Edge.Memory.Budget.Used, 2 << 20, 8 * (3 << 20));
        client.Dispose();
        await EndAsync(edge);
    }

    [Theory]
    [InlineData("/v2/repository/index")]
    [InlineData("/v2/repository/models/add/unload")]
    [InlineData("/v2/troupe/modes/enter")]
    [InlineData("/v2/troupe/models/add/load")]
    public async Task Everything_but_inference_and_loads_takes_a_mebibyte(string path)
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(Echo(), maxRequestBytes: 8 << 20);

        (int status, _, string body) = await edge.PostAsync(path, new string(' ', (1 << 20) + 1));

        Assert.Equal(400, status);
        Assert.Equal("the request body is larger than 1048576 bytes, the limit of every request but inference", EdgeFixture.ErrorOf(body));
    }

    [Fact]
    public async Task Whoever_goes_away_takes_nothing_along_before_the_forward_is_over()
    {
        FakeNode node = new(FakeNode.AddModel()) { Answer = _ => null };
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        using (RawClient client = await RawClient.ConnectAsync(edge.Url))
        {
            await client.SendAsync(Request());
            await EventuallyAsync(edge, () => !node.Waiting.IsEmpty);
        }

        (Forward forward, Actors.Forwards.IForwardSink sink) = Assert.Single(node.Waiting);
        await node.Cancellation(forward.Id).Task.WaitAsync(Cancellation);
        Assert.Equal(12, forward.Inputs[0].Data.Length);
        sink.Complete(new ForwardReply.Failed(forward.Id, FailureKind.Cancelled, "gone"));
        await EndAsync(edge);
    }

    [Fact]
    public async Task Tensors_that_come_as_json_count_for_the_budget_too()
    {
        FakeNode node = Echo();
        long used = 0;
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node);
        node.Answer = forward =>
        {
            used = edge.Edge.Memory.Budget.Used;
            return node.Echo(forward);
        };

        await IsGoodAsync(edge, Request());

        Assert.Equal(2 * 4096, used);
    }

    private static FakeNode Echo()
    {
        FakeNode node = new(FakeNode.AddModel());
        node.Answer = node.Echo;
        return node;
    }

    private static string Request() =>
        Post
        + $"Inference-Header-Content-Length: {Tensors.Length}\r\nContent-Length: {Tensors.Length + 12}\r\n\r\n{Tensors}"
        + new string('\0', 12);

    private static async Task IsGoodAsync(EdgeFixture edge, string request)
    {
        using RawClient client = await RawClient.ConnectAsync(edge.Url);
        await client.SendAsync(request);
        Assert.StartsWith("HTTP/1.1 200 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    /// <summary>Connections that have gone are noticed a little later.</summary>
    private static Task EndAsync(EdgeFixture edge) => EventuallyAsync(edge, () => edge.Edge.Memory.Host.Snapshot().Leases == 0);

    /// <summary>Until it is so, the node answers others.</summary>
    private static async Task EventuallyAsync(EdgeFixture edge, Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.Equal(200, (await edge.GetAsync("/v2/health/live")).Status);
            Assert.True(
                Stopwatch.GetElapsedTime(start).TotalSeconds < 30,
                $"{edge.Edge.Memory.Host.Snapshot()} {edge.Edge.Memory.Budget.Refusals}"
            );
        }
    }
}
