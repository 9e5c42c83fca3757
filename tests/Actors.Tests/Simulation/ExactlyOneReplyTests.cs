using Troupe.Messages.Failures;

namespace Troupe.Actors.Tests.Simulation;

public sealed class ExactlyOneReplyTests(ITestOutputHelper output)
{
    private const int Runs = 200;
    private const int Steps = 1500;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_dies_every_accepted_forward_has_one_reply_in_time_and_nothing_leaks(int nodes)
    {
        int first = Random.Shared.Next();
        output.WriteLine($"first seed {first}, {Runs} runs");
        var outcomes = new SortedDictionary<string, int>();
        for (int seed = first; seed != unchecked(first + Runs); seed = unchecked(seed + 1))
        {
            Run(seed, nodes, outcomes);
        }

        output.WriteLine(string.Join(", ", outcomes.Select(pair => $"{pair.Key} {pair.Value}")));

        // The run is worth something only if all of this happened.
        string[] expected =
        [
            nameof(FailureKind.Cancelled),
            nameof(FailureKind.DeadlineExceeded),
            nameof(FailureKind.DeviceLost),
            nameof(FailureKind.Internal),
            nameof(FailureKind.QueueFull),
            "Succeeded",
        ];
        Assert.Superset(expected.ToHashSet(), outcomes.Keys.ToHashSet());
        Assert.True(outcomes["Succeeded"] > Runs * 10);
    }

    private static void Run(int seed, int nodes, SortedDictionary<string, int> outcomes)
    {
        try
        {
            var cluster = new SimulatedCluster(seed, nodes);
            for (int i = 0; i < Steps; i++)
            {
                cluster.Step();
            }

            cluster.Quiesce();
            cluster.Check();
            foreach ((string outcome, int count) in cluster.Outcomes)
            {
                outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + count;
            }
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"seed {seed}, {nodes} nodes: {exception.Message}", exception);
        }
    }
}
