using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Engines.Emulated;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Scopes;

/// <summary>The seed's scopes on loaded modules: what they promise while they hold, and what is left when they end.</summary>
public sealed class ModeScopeTests
{
    [Fact, Trait("row", "MO-01"), Trait("row", "MO-02"), Trait("row", "MO-04")]
    public void The_graph_flags_are_off_follow_the_setter_and_the_scope_of_a_pure_engine_module()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        RuntimeModes modes = module.Modes;
        Assert.Equal((false, false), (modes.GetCudaGraphsMode(), modes.GetWholeCudaGraphsMode()));
        modes.SetCudaGraphsMode(true);
        Assert.Equal((true, false, 1), (modes.GetCudaGraphsMode(), modes.GetWholeCudaGraphsMode(), (int)modes.CudaGraphs()));
        modes.SetCudaGraphsMode(false);
        Assert.False(modes.GetCudaGraphsMode());
        using (module.EnableCudaGraphs())
        {
            Assert.Equal((true, false), (modes.GetCudaGraphsMode(module), modes.GetWholeCudaGraphsMode(module)));
            Assert.False(modes.GetCudaGraphsMode());
        }

        Assert.False(modes.GetCudaGraphsMode(module));
    }

    [Fact, Trait("row", "WG-08")]
    public void An_allocator_in_force_refuses_whole_module_graphs()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
        using EnteredMode allocator = module.EnableOutputAllocator();
        Assert.StartsWith(
            "Both CUDA Graphs and dynamic output allocation",
            Assert.Throws<ForwardException>(() => module.EnableCudaGraphs()).Message,
            StringComparison.Ordinal
        );
        Assert.Equal([24, 24, 24, 24], Workbench.Floats(module.Forward(X())[0]));
    }

    [Fact, Trait("row", "RS-03"), Trait("row", "WG-10")]
    public void A_strategy_on_an_engine_that_is_not_rtx_is_refused_and_leaves_nothing()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        Assert.Contains(
            "TRT-RTX-only",
            Assert.Throws<ForwardException>(() => module.EnableCudaGraphs(EngineGraphStrategy.WholeGraphCapture)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(RuntimeSettings.Default, module.Modes.Effective(module).RuntimeSettings);
        Assert.False(module.Modes.GetCudaGraphsMode(module));
        Assert.Equal([2, 2, 2, 2], Workbench.Floats(module.Forward(X())[0]));
    }

    [Fact, Trait("row", "RS-02")]
    public void Runtime_settings_reach_every_engine_with_one_rebuild_and_come_back()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "rtx": true"""));
        var engine = (EmulatedEngine)module.Instance.Engines[0];
        module.Forward(X());
        using (module.RuntimeConfig(KernelSpecialization.Eager, EngineGraphStrategy.WholeGraphCapture))
        {
            Assert.Equal(
                (KernelSpecialization.Eager, EngineGraphStrategy.WholeGraphCapture),
                (engine.Rtx!.Settings.Specialization, engine.Rtx.Settings.GraphStrategy)
            );
            Assert.Equal([2, 2, 2, 2], Workbench.Floats(module.Forward(X())[0]));
            Assert.Equal(2, module.Counts.Contexts);
        }

        Assert.Equal(RuntimeSettings.Default, engine.Rtx!.Settings);
    }

    [Fact, Trait("row", "OP-08")]
    public void Engines_around_a_break_choose_their_profiles_consistently()
    {
        using var bench = new Workbench();
        bench.Folder.Write("a.onnx", TinyModels.Scale(2, "x", "t"));
        bench.Folder.Write("b.onnx", TinyModels.Scale(3, "t", "u"));
        bench.Folder.Write("c.onnx", TinyModels.Scale(4, "u", "y"));
        foreach ((string engine, string input) in new[] { ("a", "x"), ("c", "u") })
        {
            bench.Folder.Write(
                $"{engine}.json",
                $$"""
                { "onnx": "{{engine}}.onnx", "profiles": [[{ "input": "{{input}}", "min": [1, 4], "opt": [8, 4], "max": [8, 4] }], [{ "input": "{{input}}", "min": [9, 4], "opt": [64, 4], "max": [256, 4] }]] }
                """
            );
        }

        LocalModule module = bench.Open(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 4] }],
                  "segments": [
                    { "name": "_run_on_acc_0", "backend": "emulated", "file": "a.json", "inputs": ["x"], "outputs": ["t"] },
                    { "name": "_run_on_gpu_0", "backend": "onnxruntime", "file": "b.onnx", "inputs": ["t"], "outputs": ["u"] },
                    { "name": "_run_on_acc_1", "backend": "emulated", "file": "c.json", "inputs": ["u"], "outputs": ["y"] }] }
                """
            )
        );
        using EnteredMode auto = module.OptimizationProfile("auto");
        foreach (int rows in new[] { 1, 8, 32, 256, 1 })
        {
            Tensor y = module.Forward(Workbench.Floats("x", [rows, 4], [.. Enumerable.Repeat(1f, rows * 4)]))[0];
            Assert.Equal(Enumerable.Repeat(24f, rows * 4), Workbench.Floats(y));
        }
    }

    [Fact, Trait("row", "RS-05")]
    public void An_rtx_engine_captures_its_own_work_and_lazy_specialization_of_free_dimensions_blocks_a_whole_capture()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "rtx": true"""));
        foreach (CudaGraphsMode graphs in new[] { CudaGraphsMode.PerSegment, CudaGraphsMode.WholeModule })
        {
            using EnteredMode scope = module.Modes.Enter([module], new ModeChange { CudaGraphs = graphs });
            for (int run = 0; run < 3; run++)
            {
                Assert.Equal([2, 2, 2, 2], Workbench.Floats(module.Forward(X())[0]));
            }
        }

        Assert.Equal(0, module.Counts.Captures);
        using EnteredMode eager = module.RuntimeConfig(KernelSpecialization.Eager),
            whole = module.Modes.Enter([module], new ModeChange { CudaGraphs = CudaGraphsMode.WholeModule });
        Assert.Equal([2, 2, 2, 2], Workbench.Floats(module.Forward(X())[0]));
        Assert.Equal(1, module.Counts.Captures);
    }

    [Fact, Trait("row", "MO-11")]
    public void A_forward_that_was_queued_under_a_graph_scope_leaves_nothing_captured_once_it_is_released()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 2);
        var queued = new ModeSettings { CudaGraphs = CudaGraphsMode.PerSegment };
        Assert.True(instance.TryLease(out ILane first));
        Assert.True(instance.TryLease(out ILane second));
        instance.FreeAllBut(default);
        Assert.Equal([2, 2, 2, 2], Workbench.Floats(Workbench.Finish(first, [X()], queued)[0]));
        Assert.Equal([2, 2, 2, 2], Workbench.Floats(Workbench.Finish(second, [X()], queued)[0]));
        first.Dispose();
        second.Dispose();
        Assert.All(instance.Lanes, lane => Assert.Equal(0, lane.Lane.Graphs));
        Assert.Equal(2, instance.Counters.Snapshot().Captures);
    }

    [Theory, Trait("row", "IN-02")]
    [InlineData(CudaGraphsMode.Off, false, false)]
    [InlineData(CudaGraphsMode.PerSegment, false, false)]
    [InlineData(CudaGraphsMode.Off, true, false)]
    [InlineData(CudaGraphsMode.PerSegment, true, false)]
    [InlineData(CudaGraphsMode.Off, false, true)]
    public void An_input_given_back_right_after_the_launch_is_not_overwritten_by_the_output(
        CudaGraphsMode graphs,
        bool preAllocated,
        bool allocator
    )
    {
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1) with { Policy = ExecutionPolicy.Deferred, Seed = 5 });
        LocalModule module = bench.Open(TinyModels.Scale(2), lanes: 2);
        using EnteredMode scope = module.Modes.Enter(
            [module],
            new ModeChange
            {
                CudaGraphs = graphs,
                PreAllocatedOutputs = preAllocated,
                OutputAllocator = allocator,
            }
        );
        using var device = new DeviceCaller(bench, module);
        for (int run = 1; run <= 3; run++)
        {
            DeviceTensor x = device.Upload(Workbench.Floats("x", [1, 4], run, run, run, run)),
                y = device.Call([x])[0];
            x.Return();
            DeviceTensor other = device.Upload(X());
            Assert.Equal([2 * run, 2 * run, 2 * run, 2 * run], device.Floats(y));
            other.Return();
        }

        Assert.Empty(bench.Driver.Reports);
    }

    [Fact, Trait("row", "AL-04")]
    public void An_aliased_module_loaded_again_still_writes_in_place()
    {
        using var bench = new Workbench();
        string path = TinyModules.Cache(bench.Folder);
        for (int load = 0; load < 2; load++)
        {
            using LocalModule module = bench.Local.Load(path, lanes: 1);
            using var device = new DeviceCaller(bench, module);
            DeviceTensor cache = device.Upload(Workbench.Floats("cache", [64], new float[64])),
                x = device.Upload(Workbench.Floats("x", [1], 2));
            Assert.Equal([128f], device.Floats(device.Call([cache, x])[0]));
            Assert.Equal(2f, device.Floats(cache)[63]);
        }
    }

    [Fact, Trait("row", "AL-09")]
    public void A_cache_on_the_host_is_refused_because_the_write_would_be_lost()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Cache(bench.Folder));
        ForwardException refused = Assert.Throws<ForwardException>(() =>
            module.Forward(Workbench.Floats("cache", [64], new float[64]), Workbench.Floats("x", [1], 1))
        );
        Assert.Contains("a host tensor would be copied and the write lost", refused.Message, StringComparison.Ordinal);
    }

    private static Tensor X() => Workbench.Floats("x", [1, 4], 1, 1, 1, 1);
}
