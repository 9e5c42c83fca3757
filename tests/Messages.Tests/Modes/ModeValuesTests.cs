using Troupe.Messages.Modes;

namespace Troupe.Messages.Tests.Modes;

/// <summary>Modes as values: what nothing sets is the seed's default, and equal choices are equal.</summary>
public sealed class ModeValuesTests
{
    [Fact]
    public void Nothing_set_is_what_the_seed_does()
    {
        ModeSettings settings = ModeSettings.Default;
        Assert.Equal(CudaGraphsMode.Off, settings.CudaGraphs);
        Assert.False(settings.PreAllocatedOutputs);
        Assert.False(settings.OutputAllocator);
        Assert.False(settings.MultiDeviceSafe);
        Assert.Equal(WeightBudget.Automatic, settings.WeightBudget);
        Assert.Equal(WorkspaceStrategy.Static, settings.Workspace);
        Assert.Equal(RuntimeSettings.Default, settings.RuntimeSettings);
        Assert.Equal(ProfilingFormat.Off, settings.Profiling);
    }

    [Fact]
    public void A_change_of_nothing_is_none() => Assert.Equal(ModeChange.None, new ModeChange());

    [Fact]
    public void Budgets_say_which_of_their_numbers_counts()
    {
        Assert.Equal(new WeightBudget(WeightBudgetKind.Bytes, 7, 0), WeightBudget.OfBytes(7));
        Assert.Equal(new WeightBudget(WeightBudgetKind.Fraction, 0, 0.5), WeightBudget.OfFraction(0.5));
        Assert.NotEqual(WeightBudget.Automatic, WeightBudget.OfBytes(0));
    }

    [Fact]
    public void A_profile_is_pinned_or_chosen_by_shape()
    {
        Assert.True(ProfileChoice.Auto.IsAuto);
        Assert.False(ProfileChoice.Pinned(0).IsAuto);
        Assert.NotEqual(ProfileChoice.Auto, ProfileChoice.Pinned(0));
    }

    [Fact]
    public void A_cache_in_memory_is_not_none() => Assert.NotEqual(RuntimeCacheChoice.None, RuntimeCacheChoice.InMemory);
}
