using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Modes;

public class ModeTextTests
{
    [Fact]
    public void What_is_written_is_read_back()
    {
        var random = new Random(7);
        for (int i = 0; i < 500; i++)
        {
            ModeChange change = Change(random);
            ModeChange read = ModeChange.None;
            foreach ((string name, string value) in ModeText.Write(change))
            {
                Assert.True(ModeText.TryAdd(ref read, name.Replace('_', '-'), value, out string error), error);
            }

            Assert.Equal(change, read);
        }
    }

    [Theory]
    [InlineData("cuda_graph", "auto", "there is no mode 'cuda_graph'; there are cuda_graphs, ")]
    [InlineData("cuda-graphs", "fast", "mode 'cuda_graphs' has no value 'fast'; it is off, per_segment, whole_module or auto")]
    [InlineData("profile", "decode", "auto or an index")]
    [InlineData("weight_budget", "1 GiB", "a percentage")]
    [InlineData("output_allocator", "yes", "on or off")]
    public void What_is_not_known_is_answered_with_what_is(string name, string value, string text)
    {
        ModeChange change = ModeChange.None;
        Assert.False(ModeText.TryAdd(ref change, name, value, out string error));
        Assert.Contains(text, error, StringComparison.Ordinal);
        Assert.Same(ModeChange.None, change);
    }

    private static ModeChange Change(Random random)
    {
        T? Maybe<T>(Func<T> value)
            where T : struct => random.Next(2) == 0 ? null : value();

        RuntimeSettingsChange settings = new(
            Maybe(() => (KernelSpecialization)random.Next(3)),
            Maybe(() => (EngineGraphStrategy)random.Next(2)),
            Maybe(() =>
                random.Next(3) switch
                {
                    0 => RuntimeCacheChoice.None,
                    1 => RuntimeCacheChoice.InMemory,
                    _ => RuntimeCacheChoice.File("/var/cache/kernels"),
                }
            )
        );
        return new ModeChange
        {
            CudaGraphs = Maybe(() => (CudaGraphsMode)random.Next(4)),
            PreAllocatedOutputs = Maybe(() => random.Next(2) == 0),
            OutputAllocator = Maybe(() => random.Next(2) == 0),
            MultiDeviceSafe = Maybe(() => random.Next(2) == 0),
            Profile = Maybe(() => random.Next(2) == 0 ? ProfileChoice.Auto : ProfileChoice.Pinned(random.Next(9))),
            WeightBudget = Maybe(() =>
                random.Next(3) switch
                {
                    0 => WeightBudget.Automatic,
                    1 => WeightBudget.OfBytes(random.Next()),
                    _ => WeightBudget.OfFraction(0.25 * random.Next(5)),
                }
            ),
            Workspace = Maybe(() => (WorkspaceStrategy)random.Next(2)),
            RuntimeSettings = settings == new RuntimeSettingsChange() ? null : settings,
            Profiling = Maybe(() => (ProfilingFormat)random.Next(3)),
        };
    }
}
