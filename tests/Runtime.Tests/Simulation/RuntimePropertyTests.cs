using System.Diagnostics;
using System.Globalization;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>
/// Random sequences of loads, mode changes at every scope, forwards and faults on emulated devices under random legal schedules: outputs as
/// plain arithmetic has
/// them or the predicted error, counters as predicted, nothing left. TROUPE_SEED and TROUPE_STEPS run one case again, TROUPE_RUNS more of
/// them.
/// </summary>
public sealed class RuntimePropertyTests(ITestOutputHelper output)
{
    private const int Runs = 10;
    private const int StepsPerRun = 2100;

    public static TheoryData<int> Seeds() =>
        Asked("TROUPE_SEED") is { } seed ? [seed] : [.. Enumerable.Range(1, Asked("TROUPE_RUNS") ?? Runs)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_comes_in_whatever_order_is_right_counted_and_given_back(int seed)
    {
        int steps = Asked("TROUPE_STEPS") ?? StepsPerRun;
        var random = new Random(seed);
        var trace = new StepTrace();
        long start = Stopwatch.GetTimestamp();
        int worlds = 0;
        try
        {
            while (trace.Step < steps)
            {
                worlds++;
                using var world = new World(random, trace);
                for (int end = Math.Min(steps, trace.Step + 300); trace.Step < end && !world.IsOver; trace.Step++)
                {
                    world.Step();
                }

                world.End();
            }
        }
        catch (Exception trouble)
        {
            throw new InvalidOperationException(
                $"Seed {seed}, step {trace.Step}: {trouble.Message}{Environment.NewLine}{trace}{Environment.NewLine}{trace.Reported}",
                trouble
            );
        }

        output.WriteLine($"seed {seed}: {trace.Step} steps in {worlds} worlds, {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    private static int? Asked(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int value) ? value : null;
}
