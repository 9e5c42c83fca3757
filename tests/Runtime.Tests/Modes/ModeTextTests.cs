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
    [InlineData("cuda_graph", "auto", "there is no mode 'cuda_graph'; there are cuda-graphs, ")]
    [InlineData("cuda-graphs", "fast", "mode 'cuda-graphs' has no value 'fast'; it is off, per-segment, whole-module or auto")]
    [InlineData("profile", "decode", "auto or an index")]
    [InlineData("weight_budget", "1 GiB", "a percentage")]
    [InlineData("output_allocator", "yes", "on or off")]
    [InlineData("runtime-cache", " ", "a name in the node's cache folder")]
    public void What_is_not_known_is_answered_with_what_is(string name, string value, string text)
    {
        ModeChange change = ModeChange.None;
        Assert.False(ModeText.TryAdd(ref change, name, value, out string error));
        Assert.Contains(text, error, StringComparison.Ordinal);
        Assert.Same(ModeChange.None, change);
    }

    [Theory]
    [InlineData("cuda-graphs", "per-segment")]
    [InlineData("cuda_graphs", "per_segment")]
    [InlineData("cudaGraphs", "PerSegment")]
    [InlineData("CudaGraphs", "PER_SEGMENT")]
    [InlineData("CUDAGRAPHS", " persegment ")]
    public void A_name_and_a_value_are_read_in_every_spelling_and_written_in_one(string name, string value)
    {
        ModeChange change = ModeChange.None;
        Assert.True(ModeText.TryAdd(ref change, name, value, out string error), error);
        Assert.Equal([KeyValuePair.Create("cuda-graphs", "per-segment")], ModeText.Write(change));
    }

    [Theory]
    [InlineData("True", true)]
    [InlineData("ON", true)]
    [InlineData("false", false)]
    [InlineData("off", false)]
    public void A_flag_is_read_from_either_pair_of_words(string value, bool expected)
    {
        ModeChange change = ModeChange.None;
        Assert.True(ModeText.TryAdd(ref change, "output-allocator", value, out _));
        Assert.Equal(expected, change.OutputAllocator);
    }

    [Fact]
    public void A_mode_that_is_given_twice_is_refused_whatever_its_spellings()
    {
        ModeChange change = new() { CudaGraphs = CudaGraphsMode.Auto };
        Assert.False(ModeText.TryAdd(ref change, "cudaGraphs", "off", out string error));
        Assert.Equal("the mode 'cuda-graphs' is given twice", error);
        Assert.Equal(CudaGraphsMode.Auto, change.CudaGraphs);
    }

    [Fact]
    public void The_value_of_every_setting_can_be_pasted_as_it_is_printed()
    {
        var random = new Random(8);
        for (int i = 0; i < 500; i++)
        {
            ModeChange change = Change(random);
            ModeSettings settings = ModeField
                .All.Where(field => field.IsSet(change))
                .Aggregate(ModeSettings.Default, (settings, field) => field.Apply(settings, change));
            ModeChange pasted = ModeChange.None;
            foreach (ModeField field in ModeField.All)
            {
                Assert.True(ModeText.TryAdd(ref pasted, field.Name, field.Text(settings), out string error), error);
            }

            Assert.Equal(ModeField.ChangeTo(settings), pasted);
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("Memory")]
    [InlineData("kernels/a.cache")]
    [InlineData("./x")]
    public void A_cache_file_may_have_any_name(string path)
    {
        ModeChange change = new() { RuntimeSettings = new RuntimeSettingsChange(Cache: RuntimeCacheChoice.File(path)) };
        ModeChange read = ModeChange.None;
        (string name, string value) = Assert.Single(ModeText.Write(change));
        Assert.True(ModeText.TryAdd(ref read, name, value, out _));
        Assert.Equal(change, read);
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
                    _ => WeightBudget.OfFraction(random.Next(2) == 0 ? 0.25 * random.Next(5) : random.NextDouble()),
                }
            ),
            Workspace = Maybe(() => (WorkspaceStrategy)random.Next(2)),
            RuntimeSettings = settings == new RuntimeSettingsChange() ? null : settings,
            Profiling = Maybe(() => (ProfilingFormat)random.Next(3)),
        };
    }
}
