using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.Runtime.Tests.Modes;
using Troupe.TestSupport.Engines;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Scopes;

/// <summary>What is entered on one module waits for that module alone: no other's scope or forward waits with it.</summary>
public sealed class ScopeIsolationTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task While_a_scope_waits_for_the_forward_of_its_module_another_module_is_entered_called_and_left()
    {
        using ManualResetEventSlim begun = new(),
            release = new();
        var zeros = new ZeroBackend
        {
            OnEnqueue = () =>
            {
                begun.Set();
                Assert.True(release.Wait(Bound), "The forward was not released.");
            },
        };
        using var bench = new Workbench(backends: StandardBackends.Catalogue.With(zeros));
        LocalModule held = bench.Open(bench.Folder.Write("model.zeros", ZeroBackend.File(elements: 4))),
            free = bench.Open(TinyModels.Scale(2));
        Task<Tensor[]> forward = Task.Run(() => held.Forward(X(4)), TestContext.Current.CancellationToken);
        try
        {
            Assert.True(begun.Wait(Bound, TestContext.Current.CancellationToken), "The forward did not begin.");
            Task<EnteredMode> entering = Task.Run(() => held.EnablePreAllocatedOutputs(), TestContext.Current.CancellationToken);
            Assert.True(SpinWait.SpinUntil(() => bench.Local.Modes.Effective(held).PreAllocatedOutputs, Bound), "The scope did not begin.");

            await Task.Run(() => Use(free), TestContext.Current.CancellationToken).WaitAsync(Bound, TestContext.Current.CancellationToken);

            Assert.False(entering.IsCompleted, "The scope did not wait for the forward of its own module.");
            release.Set();
            using EnteredMode scope = await entering.WaitAsync(Bound, TestContext.Current.CancellationToken);
            Assert.True(scope.IsHeld);
        }
        finally
        {
            release.Set();
        }

        await forward.WaitAsync(Bound, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task While_settings_wait_to_be_applied_to_one_module_another_is_changed_and_a_shared_change_waits_for_both()
    {
        var modes = new RuntimeModes();
        using ManualResetEventSlim applying = new(),
            release = new();
        ModuleTraits streams = ModuleTraits.Plain with { StreamableWeightBytes = 100 };
        using var quick = new RecordingModule(modes, streams, "quick");
        using var slow = new RecordingModule(modes, streams, "slow")
        {
            OnApply = () =>
            {
                applying.Set();
                Assert.True(release.Wait(Bound), "The module was not released.");
            },
        };
        Task<EnteredMode> first = Task.Run(() => modes.Enter([slow], Budget(10)), TestContext.Current.CancellationToken);
        Task<EnteredMode>? both = null;
        try
        {
            Assert.True(applying.Wait(Bound, TestContext.Current.CancellationToken), "Nothing was applied.");

            await Task.Run(
                    () =>
                    {
                        using EnteredMode budget = modes.Enter([quick], Budget(20));
                        Assert.Equal(20, quick.Current.WeightBudget.ByteCount);
                    },
                    TestContext.Current.CancellationToken
                )
                .WaitAsync(Bound, TestContext.Current.CancellationToken);

            Assert.Equal(WeightBudgetKind.Automatic, quick.Current.WeightBudget.Kind);
            Assert.False(first.IsCompleted);
            both = Task.Run(() => modes.Enter([quick, slow], Budget(30)), TestContext.Current.CancellationToken);
        }
        finally
        {
            release.Set();
        }

        using EnteredMode scope = await first.WaitAsync(Bound, TestContext.Current.CancellationToken);
        using (await both.WaitAsync(Bound, TestContext.Current.CancellationToken))
        {
            Assert.Equal((30, 30), (quick.Current.WeightBudget.ByteCount, slow.Current.WeightBudget.ByteCount));
        }

        Assert.Equal(10, slow.Current.WeightBudget.ByteCount);
    }

    private static ModeChange Budget(long bytes) => new() { WeightBudget = WeightBudget.OfBytes(bytes) };

    private static void Use(LocalModule module)
    {
        Assert.Equal([2, 2, 2, 2], Workbench.Floats(module.Forward(X(1, 4))[0]));
        using (module.EnablePreAllocatedOutputs())
        using (module.EnableCudaGraphs())
        {
            Assert.Equal([2, 2, 2, 2], Workbench.Floats(module.Forward(X(1, 4))[0]));
        }

        Assert.Equal([2, 2, 2, 2], Workbench.Floats(module.Forward(X(1, 4))[0]));
    }

    private static Tensor X(params long[] shape) => Workbench.Floats("x", shape, 1, 1, 1, 1);
}
