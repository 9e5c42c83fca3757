using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Tests.Startup;

/// <summary>A repository is looked at until the node stops.</summary>
public sealed class RepositoryRoundsTests
{
    [Fact]
    public async Task A_round_that_throws_is_noted_and_ends_nothing()
    {
        List<string> notes = [];
        int rounds = 0;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        Task running = RepositoryRounds.RunAsync(TimeSpan.FromMilliseconds(1), TimeProvider.System, Round, notes.Add, stop.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(3, rounds);
        Assert.All(notes, note => Assert.EndsWith("is looked at again: no such thing", note, StringComparison.Ordinal));
        Assert.Equal(2, notes.Count);

        Task Round(CancellationToken cancellation)
        {
            rounds++;
            if (rounds < 3)
            {
                throw new ArgumentException("no such thing");
            }

            return stop.CancelAsync();
        }
    }
}
