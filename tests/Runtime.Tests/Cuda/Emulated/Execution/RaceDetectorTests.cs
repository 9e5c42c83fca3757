using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Execution;

/// <summary>Unordered access to the same bytes fails in every run, ordered access in none, whatever order the seed gives.</summary>
public sealed class RaceDetectorTests
{
    private const int Seeds = 60;

    public static TheoryData<string> Races => [.. RacePrograms.Wrong.Keys];

    public static TheoryData<string> Orders => [.. RacePrograms.Right.Keys];

    [Theory]
    [MemberData(nameof(Races))]
    public void A_race_fails_under_every_seed(string program)
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            using var stage = EmulatedStage.With(ExecutionPolicy.Deferred, seed);
            RacePrograms.Wrong[program](stage);
            CuResult status = stage.Driver.CtxSynchronize();
            Assert.True(status == CuResult.LaunchFailed, $"{program}, seed {seed}: the race was not found ({status}).");
            Assert.Contains(stage.Driver.Reports, report => report.Contains("not ordered", StringComparison.Ordinal));
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void An_ordered_program_passes_under_every_seed(string program)
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            using var stage = EmulatedStage.With(ExecutionPolicy.Deferred, seed);
            RacePrograms.Right[program](stage);
            CuResult status = stage.Driver.CtxSynchronize();
            Assert.True(status == CuResult.Success, $"{program}, seed {seed}: {status}: {string.Join("; ", stage.Driver.Reports)}");
        }
    }

    [Fact]
    public void A_conflict_is_answered_by_the_call_that_makes_it_and_names_both()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Deferred);
        DevicePointer values = stage.Memory(64);
        CuStream first = stage.Stream();
        CuStream second = stage.Stream();
        ContractDevice.Ok(stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 64)));
        Assert.Equal(CuResult.LaunchFailed, stage.Driver.LaunchManaged(second, TestKernel.Reads(values + 60, 4)));
        string report = Assert.Single(stage.Driver.Reports);
        Assert.Contains("kernel reader", report, StringComparison.Ordinal);
        Assert.Contains("kernel writer", report, StringComparison.Ordinal);
    }
}
