using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Troupe.Cluster.Tests;

/// <summary>A few callers that ask a node for one inference after another until told to stop, and note every answer and how long it
/// took.</summary>
internal sealed class BoundedLoad : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _callers;

    public BoundedLoad(ServingNode node, int callers = 3) => _callers = [.. Enumerable.Range(0, callers).Select(_ => Call(node))];

    public ConcurrentQueue<Answer> Answers { get; } = new();

    /// <summary>Requests to which the process at the other end gave no HTTP answer.</summary>
    public ConcurrentQueue<string> Unanswered { get; } = new();

    public int Succeeded => Answers.Count(answer => answer.Status == HttpStatusCode.OK);

    /// <summary>One inference on a blank picture.</summary>
    public static async Task<Answer> Ask(ServingNode node)
    {
        using var body = new StringContent(Body, Encoding.UTF8, "application/json");
        long start = Stopwatch.GetTimestamp();
        using HttpResponseMessage response = await node.Http.PostAsync(
            "/v2/models/fmnist/infer",
            body,
            TestContext.Current.CancellationToken
        );
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new Answer(response.StatusCode, text, Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Waits for so many more successes.</summary>
    public async Task MoreSuccesses(int count)
    {
        int target = Succeeded + count;
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        bound.CancelAfter(TimeSpan.FromSeconds(45));
        using var period = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (Succeeded < target)
        {
            await period.WaitForNextTickAsync(bound.Token);
        }
    }

    public async Task Stop()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_callers);
    }

    /// <summary>Every request has an HTTP answer, which is a result or says in words what went wrong, well within the deadline of 30
    /// s.</summary>
    public void EveryRequestWasAnswered()
    {
        Assert.Empty(Unanswered);
        Assert.All(
            Answers,
            answer =>
            {
                Assert.True(answer.Took < TimeSpan.FromSeconds(32), $"{answer.Status} after {answer.Took}");
                if (answer.Status != HttpStatusCode.OK)
                {
                    using JsonDocument error = JsonDocument.Parse(answer.Text);
                    Assert.NotEmpty(error.RootElement.GetProperty("error").GetString()!);
                }
            }
        );
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        _stop.Dispose();
    }

    private static string Body { get; } =
        $$"""{"inputs":[{"name":"image","shape":[1,1,28,28],"datatype":"FP32","data":[{{string.Join(',', Enumerable.Repeat("0", 784))}}]}]}""";

    private async Task Call(ServingNode node)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Answers.Enqueue(await Ask(node));
            }
            catch (HttpRequestException trouble)
            {
                Unanswered.Enqueue(trouble.Message);
            }

            await pace.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    public sealed record Answer(HttpStatusCode Status, string Text, TimeSpan Took);
}
