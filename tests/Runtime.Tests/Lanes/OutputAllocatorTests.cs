using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

public sealed class OutputAllocatorTests
{
    [Fact, Trait("row", "OA-02")]
    public void A_static_engine_by_default_never_asks_the_allocator()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder));
        module.Forward(X());
        Assert.Equal(0, module.Counts.AllocatorCalls);
    }

    [Theory, Trait("row", "OA-03"), Trait("row", "OA-11")]
    [InlineData(false)]
    [InlineData(true)]
    public void Data_dependent_results_come_with_or_without_the_scope(bool required)
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.NonZero(bench.Folder, required));
        Assert.Equal([0, 2], Workbench.Longs(module.Forward(Workbench.Floats("x", [3], 1, 0, 1))[0]));
        using EnteredMode scope = module.EnableOutputAllocator();
        Assert.Equal([1], Workbench.Longs(module.Forward(Workbench.Floats("x", [3], 0, 5, 0))[0]));
        Tensor empty = module.Forward(Workbench.Floats("x", [3], 0, 0, 0))[0];
        Assert.Equal(new TensorShape(1, 0), empty.Shape);
        Assert.Equal(0, empty.Data.Length);
    }

    [Fact, Trait("row", "OA-08"), Trait("row", "OA-10")]
    public void Buffers_are_exact_aligned_on_the_engines_device_and_the_callers_own()
    {
        using var bench = Workbench.WithDevices(2);
        LocalModule module = bench.Open(EmulatedModels.NonZero(bench.Folder, requiresAllocator: false), device: 1);
        using EnteredMode scope = module.EnableOutputAllocator();
        using var device = new DeviceCaller(bench, module);
        DeviceTensor first = device.Call(Workbench.Floats("x", [4], 1, 0, 1, 1)),
            second = device.Call(Workbench.Floats("x", [4], 0, 0, 1, 0));
        Assert.Equal((24UL, 8UL), (first.Block.Bytes, second.Block.Bytes));
        Assert.Equal((1, 1), (first.Ordinal, second.Ordinal));
        Assert.Equal(0UL, first.Pointer.Address % 256);
        Assert.Equal(new TensorShape(1, 3), first.Shape);
        Assert.NotEqual(first.Pointer, second.Pointer);
    }

    [Fact, Trait("row", "OA-05")]
    public void Allocator_and_graphs_exclude_each_other_both_ways()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder));
        using (module.EnableCudaGraphs())
        {
            Assert.StartsWith(
                "Both CUDA Graphs and dynamic output allocation are enabled",
                Assert.Throws<ForwardException>(() => module.EnableOutputAllocator()).Message,
                StringComparison.Ordinal
            );
        }

        using EnteredMode scope = module.EnableOutputAllocator();
        Assert.StartsWith(
            "Both CUDA Graphs and dynamic output allocation are enabled",
            Assert.Throws<ForwardException>(() => module.EnableCudaGraphs()).Message,
            StringComparison.Ordinal
        );
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
    }

    [Fact, Trait("row", "OA-06"), Trait("row", "WG-07"), Trait("row", "CG-19")]
    public void A_required_allocator_refuses_graphs_on_entry_and_at_the_call()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.NonZero(bench.Folder, requiresAllocator: true));
        Assert.StartsWith(
            "The model contains submodules that require a dynamic output allocator",
            Assert.Throws<ForwardException>(() => module.EnableCudaGraphs()).Message,
            StringComparison.Ordinal
        );
        module.Modes.SetCudaGraphsMode(true);
        ForwardException refused = Assert.Throws<ForwardException>(() => module.Forward(Workbench.Floats("x", [1], 1)));
        Assert.StartsWith(
            "The model contains submodules that require a dynamic output allocator",
            refused.Message,
            StringComparison.Ordinal
        );
        module.Modes.SetCudaGraphsMode(false);
        Assert.Equal([0], Workbench.Longs(module.Forward(Workbench.Floats("x", [1], 1))[0]));
    }

    [Fact, Trait("row", "CG-16")]
    public void An_output_follows_the_value_of_a_shape_tensor_under_graphs()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Expanded(bench.Folder));
        using EnteredMode scope = module.EnableCudaGraphs();
        foreach (int rows in new[] { 2, 3, 2, 5, 3 })
        {
            Tensor y = module.Forward(X(), Workbench.Longs("size", [2], rows, 4))[0];
            Assert.Equal(new TensorShape(rows, 4), y.Shape);
            Assert.Equal(4f, Workbench.Floats(y)[^1]);
        }

        Assert.Equal((3, 5), (module.Counts.Captures, module.Counts.Replays));
    }

    [Fact, Trait("row", "DW-01")]
    public void Dynamic_workspace_is_taken_per_call_and_results_are_the_same()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "workspaceBytes": 65536"""));
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
        long withStatic = bench.Driver.Snapshot(0).BytesInUse;
        using (module.ResourceAllocationStrategy(WorkspaceStrategy.Dynamic))
        {
            Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
            using EnteredMode graphs = module.EnableCudaGraphs();
            Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
            Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
            Assert.True(bench.Driver.Snapshot(0).PeakBytesInUse <= withStatic + (3 * 65536));
        }

        Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
    }

    [Fact, Trait("row", "CG-11")]
    public void A_change_of_strategy_makes_the_next_call_record_anew()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "workspaceBytes": 4096"""));
        using EnteredMode graphs = module.EnableCudaGraphs();
        module.Forward(X());
        using (module.ResourceAllocationStrategy(WorkspaceStrategy.Dynamic))
        {
            Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
            Assert.Equal(2, module.Counts.Captures);
        }

        Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X())[0]));
        Assert.Equal(3, module.Counts.Captures);
    }

    private static Tensor X() => Workbench.Floats("x", [1, 4], 1, 2, 3, 4);
}
