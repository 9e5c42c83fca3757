using Microsoft.Extensions.Time.Testing;
using Troupe.Hosting.Edge;

namespace Troupe.Hosting.Tests.Edge;

public sealed class BatchGatheringTests
{
    private static readonly TimeSpan Most = TimeSpan.FromMilliseconds(1);

    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public async Task A_request_that_fills_no_batch_in_its_time_is_refused_when_it_is_over()
    {
        BatchGathering gathering = new(_clock);
        Task<bool> alone = gathering.JoinAsync(1, 4, Most, CancellationToken.None);
        _clock.Advance(Most - TimeSpan.FromTicks(1));
        Assert.False(alone.IsCompleted);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.False(await alone);
    }

    [Fact]
    public async Task Requests_that_fill_a_batch_together_go_on_together_and_the_next_ones_start_anew()
    {
        BatchGathering gathering = new(_clock);
        Task<bool> first = gathering.JoinAsync(1, 4, Most, CancellationToken.None),
            second = gathering.JoinAsync(2, 4, Most, CancellationToken.None);
        Assert.False(first.IsCompleted || second.IsCompleted);
        Assert.True(await gathering.JoinAsync(1, 4, Most, CancellationToken.None));
        Assert.True(await first && await second);

        Task<bool> next = gathering.JoinAsync(3, 4, Most, CancellationToken.None);
        Assert.False(next.IsCompleted);
        _clock.Advance(Most);
        Assert.False(await next);
    }

    [Fact]
    public async Task One_that_goes_on_in_any_case_waits_for_nobody_and_fills_the_batch_of_others()
    {
        BatchGathering gathering = new(_clock);
        Assert.True(await gathering.JoinAsync(1, 4, null, CancellationToken.None));
        Task<bool> waiting = gathering.JoinAsync(3, 4, Most, CancellationToken.None);
        Assert.False(waiting.IsCompleted);
        Assert.True(await gathering.JoinAsync(1, 4, null, CancellationToken.None));
        Assert.True(await gathering.JoinAsync(4, 4, Most, CancellationToken.None));
    }

    [Fact]
    public async Task One_whose_caller_went_away_fills_no_batch()
    {
        BatchGathering gathering = new(_clock);
        using CancellationTokenSource gone = new();
        Task<bool> waiting = gathering.JoinAsync(3, 4, Most, gone.Token);
        await gone.CancelAsync();
        Assert.False(await waiting);
        Task<bool> next = gathering.JoinAsync(1, 4, Most, CancellationToken.None);
        Assert.False(next.IsCompleted);
        _clock.Advance(Most);
        Assert.False(await next);
    }
}
