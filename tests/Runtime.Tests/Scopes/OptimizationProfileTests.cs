using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Plans;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Scopes;

/// <summary>Switched by <see cref="BoundSegment"/>.</summary>
public sealed class OptimizationProfileTests
{
    [Fact]
    public void A_call_that_failed_on_a_pinned_profile_does_not_spoil_the_next_under_graphs()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoProfiles(bench.Folder));
        using EnteredMode graphs = module.EnableCudaGraphs();
        Tensor fits = Workbench.Floats("x", [1, 1, 16], new float[16]),
            wide = Workbench.Floats("x", [1, 2, 16], new float[32]);
        Assert.Equal(16, Workbench.Floats(module.Forward(fits)[0]).Length);
        Assert.Throws<ForwardException>(() => module.Forward(wide));
        Assert.Equal(16, Workbench.Floats(module.Forward(fits)[0]).Length);
        using EnteredMode automatic = module.OptimizationProfile("auto");
        Assert.Equal(32, Workbench.Floats(module.Forward(wide)[0]).Length);
        Assert.Equal(32, Workbench.Floats(module.Forward(wide)[0]).Length);
    }

    [Fact, Trait("row", "OP-01"), Trait("row", "OP-02")]
    public void Each_pinned_profile_takes_its_shapes_and_the_pin_persists()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoProfiles(bench.Folder));
        Assert.Equal(2, module.Traits.ProfileCount);
        using (module.OptimizationProfile(0))
        {
            Assert.Equal(new TensorShape(4, 1, 16), module.Forward(X(1))[0].Shape);
        }

        using EnteredMode pinned = module.OptimizationProfile(1);
        Assert.Equal(new TensorShape(4, 32, 16), module.Forward(X(32))[0].Shape);
        Assert.Equal(new TensorShape(4, 32, 16), module.Forward(X(32))[0].Shape);
        Assert.False(module.Modes.Effective(module).Profile.IsAuto);
    }

    [Fact, Trait("row", "OP-04")]
    public void Automatic_choice_keeps_the_active_profile_while_it_fits_and_its_graph()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoProfiles(bench.Folder));
        using EnteredMode graphs = module.EnableCudaGraphs(),
            auto = module.OptimizationProfile("auto");
        module.Forward(X(32));
        module.Forward(X(1));
        Assert.Equal(2, module.Counts.Captures);
        module.Forward(X(32));
        module.Forward(X(1));
        Assert.Equal(2, module.Counts.Captures);
        Assert.Equal(4, module.Counts.Replays);
    }

    [Fact, Trait("row", "OP-06")]
    public void Leaving_restores_what_was_and_nonsense_is_refused()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoProfiles(bench.Folder));
        using (module.OptimizationProfile(1))
        {
            using (module.OptimizationProfile("auto"))
            {
                Assert.True(module.Modes.Effective(module).Profile.IsAuto);
            }

            Assert.Equal(ProfileChoice.Pinned(1), module.Modes.Effective(module).Profile);
        }

        Assert.Equal(ProfileChoice.Pinned(0), module.Modes.Effective(module).Profile);
        Assert.Contains(
            "Optimization profile index 99 out of range [0, 2)",
            Assert.Throws<ForwardException>(() => module.OptimizationProfile(99)).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<ForwardException>(() => module.OptimizationProfile("decode"));
    }

    [Fact, Trait("row", "OP-07")]
    public void Nothing_that_fits_is_said_so()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoProfiles(bench.Folder));
        using EnteredMode auto = module.OptimizationProfile("auto");
        ForwardException refused = Assert.Throws<ForwardException>(() => module.Forward(X(33)));
        Assert.StartsWith("No optimization profile matches the input shapes", refused.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
    }

    [Fact, Trait("row", "OP-09")]
    public void A_shape_that_failed_under_a_wrong_pin_is_chosen_for_afterwards()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoProfiles(bench.Folder));
        Assert.Contains(
            "optimization profile 0 admits",
            Assert.Throws<ForwardException>(() => module.Forward(X(8))).Message,
            StringComparison.Ordinal
        );
        using EnteredMode auto = module.OptimizationProfile("auto");
        Assert.Equal(new TensorShape(4, 8, 16), module.Forward(X(8))[0].Shape);
    }

    private static Tensor X(int length) => Workbench.Floats("x", [4, length, 16], new float[4 * length * 16]);
}
