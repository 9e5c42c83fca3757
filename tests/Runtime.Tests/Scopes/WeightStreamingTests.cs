using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Scopes;

public sealed class WeightStreamingTests
{
    [Fact, Trait("row", "WS-01"), Trait("row", "WS-03")]
    public void The_budget_is_automatic_at_load_and_every_value_set_is_read_back()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "streamableBytes": 1000, "automaticBudget": 600"""));
        using WeightStreamingScope scope = module.WeightStreaming();
        Assert.Equal((600L, 1000L, 600L), (scope.DeviceBudget, scope.TotalDeviceBudget, scope.AutomaticBudget));
        foreach (long budget in new long[] { 700, 0, 600, 500 })
        {
            scope.DeviceBudget = budget;
            Assert.Equal(budget, scope.DeviceBudget);
            Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
        }
    }

    [Fact, Trait("row", "WS-04")]
    public void Too_much_is_clamped_and_less_than_nothing_refused()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "streamableBytes": 1000"""));
        using WeightStreamingScope scope = module.WeightStreaming();
        scope.DeviceBudget = 400;
        scope.DeviceBudget = 1001;
        Assert.Equal(1000, scope.DeviceBudget);
        Assert.Equal("Requested budget cannot be negative", Assert.Throws<ForwardException>(() => scope.DeviceBudget = -1).Message);
        Assert.Equal(1000, scope.DeviceBudget);
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
    }

    [Theory]
    [InlineData(2500, 1000)]
    [InlineData(500, 500)]
    public void A_device_whose_memory_others_take_at_once_refuses_more_and_not_less_and_the_weights_stay(int thousands, int then)
    {
        using var bench = new Workbench(new EmulatedDriverOptions { Devices = [new EmulatedDeviceOptions { MemoryBytes = 3 << 20 }] });
        LocalModule module = bench.Open(
            EmulatedModels.Scaled(bench.Folder, """, "streamableBytes": 2900000, "automaticBudget": 1000000""")
        );
        using BlockPool other = bench.Platform.Memory.Open(0);
        using WeightStreamingScope scope = module.WeightStreaming();
        var greedy = new Greedy(other);
        other.Holder = greedy;
        greedy.GiveBackMemory();
        ForwardException? refused = null;
        try
        {
            scope.DeviceBudget = 1000 * thousands;
        }
        catch (ForwardException full)
        {
            refused = full;
        }

        Assert.Equal(then < thousands ? FailureKind.OutOfDeviceMemory : null, refused?.Kind);
        Assert.Equal(1000 * then, scope.DeviceBudget);
    }

    [Fact]
    public void A_module_without_streamable_weights_says_so_in_the_seeds_words()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using WeightStreamingScope scope = module.WeightStreaming();
        Assert.StartsWith(
            "Streamable bytes are zero.",
            Assert.Throws<ForwardException>(() => scope.DeviceBudget = 1).Message,
            StringComparison.Ordinal
        );
    }

    [Theory, Trait("row", "WS-06")]
    [InlineData(5)]
    [InlineData(20)]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(100)]
    public void Two_engines_share_a_budget_in_proportion(int percent)
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoStreamable(bench.Folder, 1001, 333));
        using WeightStreamingScope scope = module.WeightStreaming();
        long wanted = 1334 * percent / 100;
        scope.DeviceBudget = wanted;
        Assert.InRange(scope.DeviceBudget, wanted - 1, wanted + 1);
        Assert.InRange(module.Instance.Engines[0].StreamableWeights!.Budget, (wanted * 1001 / 1334) - 1, (wanted * 1001 / 1334) + 1);
        Assert.Equal([6, 12, 18, 24], Workbench.Floats(module.Forward(X())[0]));
    }

    [Fact, Trait("row", "WS-11")]
    public void Each_engine_gets_its_own_value_back()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoStreamable(bench.Folder, 1000, 1000, """, "automaticBudget": 100"""));
        long[] before = [.. module.Instance.Engines.Select(engine => engine.StreamableWeights?.Budget ?? 0)];
        Assert.Equal([100, 1000], before);
        using (WeightStreamingScope scope = module.WeightStreaming())
        {
            scope.DeviceBudget = 500;
            Assert.Equal([250, 250], module.Instance.Engines.Select(engine => engine.StreamableWeights?.Budget ?? 0));
        }

        Assert.Equal(before, module.Instance.Engines.Select(engine => engine.StreamableWeights?.Budget ?? 0));
    }

    [Fact, Trait("row", "WS-10")]
    public void A_pinned_profile_outlives_a_change_of_budget()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoProfiles(bench.Folder, """, "streamableBytes": 1000"""));
        using EnteredMode pinned = module.OptimizationProfile(1);
        Tensor x = Workbench.Floats("x", [4, 32, 16], new float[4 * 32 * 16]);
        module.Forward(x);
        using WeightStreamingScope scope = module.WeightStreaming();
        scope.DeviceBudget = 500;
        Assert.Equal(new TensorShape(4, 32, 16), module.Forward(x)[0].Shape);
    }

    [Fact]
    public void Streamed_weights_are_never_captured_and_all_resident_ones_are_again()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "streamableBytes": 1000"""));
        using EnteredMode graphs = module.EnableCudaGraphs();
        using WeightStreamingScope scope = module.WeightStreaming();
        module.Forward(X());
        Assert.Equal(1, module.Counts.Captures);
        scope.DeviceBudget = 999;
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
        Assert.Equal(1, module.Counts.Captures);
        scope.DeviceBudget = 1000;
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
        Assert.Equal(2, module.Counts.Captures);
    }

    private static Tensor X() => Workbench.Floats("x", [1, 4], 1, 2, 3, 4);

    /// <summary>Takes what there is whenever somebody needs memory.</summary>
    private sealed class Greedy(BlockPool pool) : IMemoryHolder
    {
        private bool _takes;

        public void GiveBackMemory()
        {
            if (_takes)
            {
                return;
            }

            _takes = true;
            for (ulong bytes = 1 << 20; bytes >= 1 << 15; )
            {
                try
                {
                    pool.Reserve(bytes, "What is there", isWhole: true);
                }
                catch (ForwardException)
                {
                    bytes /= 2;
                }
            }

            _takes = false;
        }
    }
}
