using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Scopes;

/// <summary>Modes of the outputs, the weights and the devices met by failures and by each other.</summary>
public sealed class ModeCombinationTests
{
    [Fact, Trait("row", "PA-05")]
    public void No_memory_for_the_next_set_costs_the_call_nothing_and_loses_no_block()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using EnteredMode scope = module.EnablePreAllocatedOutputs();
        using DeviceCaller device = new(bench, module);
        DeviceTensor x = device.Upload(X(1));
        module.Forward([x], new DeviceTensor[1], device.Caller);
        module.Instance.HomePool.Trim();
        for (int after = 0; after < 4; after++)
        {
            DeviceTensor rows = device.Upload(Workbench.Floats("x", [after + 2, 4], [.. Enumerable.Repeat(1f, (after + 2) * 4)]));
            bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.AllocationFailure, 0) { After = after });
            var outputs = new DeviceTensor[1];
            try
            {
                module.Forward([rows], outputs, device.Caller);
                Assert.Equal(2f, device.Floats(outputs[0])[^1]);
                outputs[0].Return();
            }
            catch (ForwardException full)
            {
                Assert.Equal(FailureKind.OutOfDeviceMemory, full.Kind);
            }

            rows.Return();
            bench.Driver.ClearFaults();
            module.Instance.HomePool.Trim();
            DeviceTensor y = device.Call([x])[0];
            Assert.Equal(2f, device.Floats(y)[0]);
            y.Return();
        }

        // Lent is what the caller has: its input, and the output of its very first call.
        scope.Dispose();
        Assert.Equal(2, module.Instance.HomePool.Lent);
    }

    [Fact]
    public void No_page_locked_memory_for_the_results_fails_the_call_and_loses_no_block()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        Workbench.Forward(instance, X(1));
        int lent = instance.HomePool.Lent;
        for (int after = 0; after < 6; after++)
        {
            Tensor rows = Workbench.Floats("x", [after + 2, 4], [.. Enumerable.Repeat(1f, (after + 2) * 4)]);
            bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.AllocationFailure, 0) { After = after });
            Exception? trouble = Record.Exception(() => Workbench.Forward(instance, rows));
            Assert.True(trouble is null or ForwardException { Kind: FailureKind.OutOfDeviceMemory }, $"{trouble}");
            Assert.Equal(2f, Workbench.Floats(Workbench.Forward(instance, X(1))[0])[0]);
            Assert.Equal(lent, instance.HomePool.Lent);
            bench.Driver.ClearFaults();
        }
    }

    [Theory, Trait("row", "MD-07"), Trait("row", "MD-10")]
    [InlineData(3)]
    [InlineData(19)]
    [InlineData(101)]
    public void A_moved_input_may_be_given_back_at_once(int seed)
    {
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(2) with { Policy = ExecutionPolicy.Deferred, Seed = seed });
        LocalModule module = bench.Open(TinyModels.Scale(2), device: 0, lanes: 2),
            elsewhere = bench.Open(TinyModels.Scale(3), device: 1, lanes: 2);
        using EnteredMode safe = module.Modes.SetMultiDeviceSafeMode(true);
        using DeviceCaller far = new(bench, elsewhere),
            home = new(bench, module);
        for (int call = 1; call <= 4; call++)
        {
            DeviceTensor x = far.Upload(X(call)),
                y = home.Call([x])[0];
            x.Return();

            // The same memory is lent again on the stream it was made on, while the copy may still run.
            DeviceTensor other = far.Upload(X(1000));
            Assert.Equal(2f * call, home.Floats(y)[0]);
            other.Return();
            y.Return();
        }

        Assert.Equal(4, module.Counts.MovedInputs);
        Assert.Empty(bench.Driver.Reports);
    }

    [Fact, Trait("row", "MD-06")]
    public void The_values_of_a_shape_tensor_are_read_on_whatever_device_it_lies()
    {
        using var bench = Workbench.WithDevices(2);
        LocalModule module = bench.Open(EmulatedModels.Expanded(bench.Folder)),
            elsewhere = bench.Open(TinyModels.Scale(2), device: 1);
        using DeviceCaller far = new(bench, elsewhere),
            home = new(bench, module);
        DeviceTensor x = home.Upload(X(7)),
            size = far.Upload(Workbench.Longs("size", [2], 3, 4));
        ForwardException refused = Assert.Throws<ForwardException>(() => home.Call([x, size]));
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
        using EnteredMode safe = module.Modes.SetMultiDeviceSafeMode(true);
        DeviceTensor y = home.Call([x, size])[0];
        Assert.Equal(new TensorShape(3, 4), y.Shape);
        Assert.Equal([7, 1, 1, 1, 7, 1, 1, 1, 7, 1, 1, 1], home.Floats(y));
    }

    [Theory, Trait("row", "MD-10")]
    [InlineData(nameof(EmulatedFaultKind.RefusedLaunch))]
    [InlineData(nameof(EmulatedFaultKind.AllocationFailure))]
    public void The_callers_device_context_is_back_after_an_error_too(string kind)
    {
        EmulatedFaultKind fault = Enum.Parse<EmulatedFaultKind>(kind);
        using var bench = Workbench.WithDevices(2);
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder, middleDevice: 1));
        using EnteredMode safe = module.Modes.SetMultiDeviceSafeMode(true);
        DeviceContext mine = DeviceContext.Retain(bench.Driver, 1);
        using (mine.Enter())
        {
            for (int after = 0; after < 4; after++)
            {
                bench.Driver.Inject(new EmulatedFault(fault, after % 2) { After = after / 2 });
                Exception? trouble = Record.Exception(() => module.Forward(X(after)));
                Assert.True(trouble is null or ForwardException, $"{trouble}");
                Assert.Throws<ForwardException>(() => module.Forward(Workbench.Floats("x", [1, 3], 1, 2, 3)));
                Assert.True(bench.Driver.CtxGetCurrent(out CuContext current) == CuResult.Success && current == mine.Handle);
                bench.Driver.ClearFaults();
                Assert.Equal(48f, Workbench.Floats(module.Forward(X(2))[0])[0]);
            }
        }

        mine.Dispose();
    }

    [Fact, Trait("row", "OP-05")]
    public void Profiles_bound_the_values_of_a_shape_tensor_and_choose_by_them()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.ExpandedWithProfiles(bench.Folder));
        using EnteredMode auto = module.OptimizationProfile("auto");
        foreach (long rows in new long[] { 2, 9, 2, 1 })
        {
            Assert.Equal(new TensorShape(rows, 4), module.Forward(X(1), Workbench.Longs("size", [2], rows, 4))[0].Shape);
        }

        Assert.StartsWith(
            "No optimization profile matches",
            Assert.Throws<ForwardException>(() => module.Forward(X(1), Workbench.Longs("size", [2], 99, 4))).Message,
            StringComparison.Ordinal
        );
        using EnteredMode small = module.OptimizationProfile(0);
        Assert.Equal(new TensorShape(4, 4), module.Forward(X(1), Workbench.Longs("size", [2], 4, 4))[0].Shape);
        ForwardException outside = Assert.Throws<ForwardException>(() => module.Forward(X(1), Workbench.Longs("size", [2], 9, 4)));
        Assert.Equal(FailureKind.InvalidInput, outside.Kind);
        Assert.Equal(new TensorShape(1, 4), module.Forward(X(1), Workbench.Longs("size", [2], 1, 4))[0].Shape);
    }

    [Fact, Trait("row", "WS-05"), Trait("row", "WS-07")]
    public void Nested_budgets_end_in_any_order_and_leave_what_the_others_imply()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoStreamable(bench.Folder, 1000, 3000, """, "automaticBudget": 250"""));
        Assert.Equal((3250, 3250), (module.WeightBudgetBytes, module.AutomaticWeightBudgetBytes));
        WeightStreamingScope outer = module.WeightStreaming(),
            inner = module.WeightStreaming();
        outer.DeviceBudget = 2000;
        inner.DeviceBudget = 400;
        Assert.Equal([100L, 300], module.Instance.Engines.Select(engine => engine.StreamableWeights?.Budget ?? 0));
        Assert.Equal(6f, Workbench.Floats(module.Forward(X(1))[0])[0]);
        outer.Dispose();
        Assert.Equal(400, module.WeightBudgetBytes);
        Assert.Throws<ForwardException>(() => inner.DeviceBudget = -1);
        Assert.Equal(400, inner.DeviceBudget);
        inner.Dispose();
        Assert.Equal([250L, 3000], module.Instance.Engines.Select(engine => engine.StreamableWeights?.Budget ?? 0));
        Assert.Throws<ObjectDisposedException>(() => inner.DeviceBudget = 100);
    }

    [Fact, Trait("row", "WS-08")]
    public void A_budget_changes_behind_the_work_in_flight_and_keeps_the_outputs_handed_out()
    {
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1) with { Policy = ExecutionPolicy.Deferred, Seed = 23 });
        LocalModule module = bench.Open(EmulatedModels.TwoStreamable(bench.Folder, 1000, 3000), lanes: 2);
        using DeviceCaller one = new(bench, module),
            other = new(bench, module, direct: true);
        using WeightStreamingScope weights = module.WeightStreaming();
        foreach (long budget in new long[] { 4000, 0, 1234, 4000 })
        {
            DeviceTensor left = one.Call(X(budget)),
                right = other.Call(X(budget + 1));
            weights.DeviceBudget = budget;
            Assert.Equal((6f * budget, 6f * (budget + 1)), (one.Floats(left)[0], other.Floats(right)[0]));
        }

        Assert.Empty(bench.Driver.Reports);
    }

    [Fact, Trait("row", "OA-01"), Trait("row", "OA-04"), Trait("row", "PA-08")]
    public void Scopes_of_the_outputs_nest_and_the_outer_one_comes_back()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder));
        using (module.EnablePreAllocatedOutputs())
        {
            module.Forward(X(1));
            module.Forward(X(1));
            Assert.Equal(1, module.Instance.Lanes[0].Lane.KeptOutputs);
            using (module.EnablePreAllocatedOutputs()) { }

            Assert.True(module.Modes.Effective(module).PreAllocatedOutputs);
            Assert.Equal(1, module.Instance.Lanes[0].Lane.KeptOutputs);
            long calls = module.Counts.AllocatorCalls;
            using (module.EnableOutputAllocator())
            {
                Assert.Equal(4f, Workbench.Floats(module.Forward(X(2))[0])[0]);
                Assert.Equal(calls + 1, module.Counts.AllocatorCalls);
            }

            Assert.Equal(6f, Workbench.Floats(module.Forward(X(3))[0])[0]);
            Assert.Equal(calls + 1, module.Counts.AllocatorCalls);
        }

        Assert.Equal(0, module.Instance.Lanes[0].Lane.KeptOutputs);
        Assert.False(module.Modes.Effective(module).PreAllocatedOutputs);
    }

    [Fact, Trait("row", "MO-06"), Trait("row", "MO-07"), Trait("row", "MO-08"), Trait("row", "MO-09")]
    public void Graph_scopes_and_the_setter_compose_in_any_order_and_through_exceptions()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
        RuntimeModes modes = module.Modes;
        EnteredMode whole = module.EnableCudaGraphs();
        modes.SetCudaGraphsMode(true);
        Assert.True(modes.GetWholeCudaGraphsMode(module));
        EnteredMode off = modes.Enter([module], new ModeChange { CudaGraphs = CudaGraphsMode.Off });
        Assert.Equal((false, false), (modes.GetCudaGraphsMode(module), modes.GetWholeCudaGraphsMode(module)));
        whole.Dispose();
        Assert.Equal(CudaGraphsMode.Off, modes.CudaGraphs(module));
        off.Dispose();

        // What the setter said meanwhile holds now, and not what held when the scopes were entered.
        Assert.True(modes.GetCudaGraphsMode(module));
        Assert.Equal(24f, Workbench.Floats(module.Forward(X(1))[0])[0]);
        Assert.Equal(3, module.Counts.Captures);
        Assert.Throws<InvalidOperationException>(
            (Action)(
                () =>
                {
                    using EnteredMode inside = module.EnableCudaGraphs();
                    throw new InvalidOperationException("whatever happens inside");
                }
            )
        );
        Assert.True(modes.GetCudaGraphsMode(module));
        modes.SetCudaGraphsMode(false);
        Assert.Equal(
            (false, false, 0),
            (modes.GetCudaGraphsMode(module), modes.GetWholeCudaGraphsMode(module), module.Instance.Lanes[0].Lane.Graphs)
        );
    }

    [Theory, Trait("row", "AL-06")]
    [InlineData(true, FailureKind.InvalidInput, "but has the shape [2,4] where that has [1,4]")]
    [InlineData(false, FailureKind.NotSupported, "but its shape is known only after the run")]
    public void An_output_that_does_not_fit_the_input_it_is_written_over_is_refused_before_anything_runs(
        bool inferred,
        FailureKind kind,
        string words
    )
    {
        using var bench = new Workbench();
        bench.Folder.Write(
            "twice.onnx",
            new TinyOnnx()
                .Input("cache", TinyOnnx.Element.Float, "n", 4)
                .Output("updated", TinyOnnx.Element.Float, "m", 4)
                .Node("Concat", ["cache", "cache"], ["updated"], ("axis", 0))
        );
        string rule = inferred ? """, "shapes": [{ "output": "updated", "dimensions": ["2*cache.0", "4"] }]""" : "";
        bench.Folder.Write("engine.json", $$"""{ "onnx": "twice.onnx", "aliases": [{ "output": "updated", "input": "cache" }]{{rule}} }""");
        LocalModule module = bench.Open(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "cache", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "updated", "dtype": "FP32", "shape": ["m", 4] }],
                  "segments": [{ "name": "_run_on_acc_0", "backend": "emulated", "file": "engine.json", "inputs": ["cache"], "outputs": ["updated"] }] }
                """
            )
        );
        using DeviceCaller device = new(bench, module);
        DeviceTensor cache = device.Upload(Workbench.Floats("cache", [1, 4], 1, 2, 3, 4));
        for (int call = 0; call < 2; call++)
        {
            ForwardException refused = Assert.Throws<ForwardException>(() => device.Call([cache]));
            Assert.Equal(kind, refused.Kind);
            Assert.Contains("'updated' is written in place of 'cache'", refused.Message, StringComparison.Ordinal);
            Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal([1, 2, 3, 4], device.Floats(cache));
    }

    [Fact, Trait("row", "DW-03")]
    public void A_strategy_scope_brings_back_what_held_outside_it_and_not_always_static()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "workspaceBytes": 4096"""), lanes: 2);
        using (module.ResourceAllocationStrategy(WorkspaceStrategy.Dynamic))
        {
            using (module.ResourceAllocationStrategy(WorkspaceStrategy.Static))
            {
                Assert.Equal(2f, Workbench.Floats(module.Forward(X(1))[0])[0]);
            }

            Assert.Equal(WorkspaceStrategy.Dynamic, module.Instance.Settings.Workspace);
            Assert.Equal(2f, Workbench.Floats(module.Forward(X(1))[0])[0]);
        }

        Assert.Equal(WorkspaceStrategy.Static, module.Instance.Settings.Workspace);
    }

    [Fact]
    public void Profiles_that_cannot_be_written_fail_the_scope_and_never_a_forward()
    {
        using var bench = new Workbench();
        string occupied = bench.Folder.Write("occupied", "a file, not a folder");
        string path = EmulatedModels.Scaled(bench.Folder);
        ModuleInstance instance = bench.Platform.LoadInstance(
            new ModuleSource(new ModelReference("m", 1), path),
            0,
            new InstanceOptions { ProfileFolder = Path.Combine(occupied, "profiles") },
            TestContext.Current.CancellationToken
        );
        Workbench.Forward(instance, X(1));
        ForwardException refused = Assert.Throws<ForwardException>(() =>
            instance.Apply(new ModeSettings { Profiling = ProfilingFormat.Trex })
        );
        Assert.Equal(FailureKind.InvalidRequest, refused.Kind);
        Assert.Contains(occupied, refused.Message, StringComparison.Ordinal);
        Assert.Equal(ProfilingFormat.Off, instance.Settings.Profiling);
        Assert.Equal(2f, Workbench.Floats(Workbench.Forward(instance, X(1))[0])[0]);

        string good = Path.Combine(bench.Folder.Path, "profiles");
        ModuleInstance other = bench.Platform.LoadInstance(
            new ModuleSource(new ModelReference("m", 1), path),
            0,
            new InstanceOptions { ProfileFolder = good },
            TestContext.Current.CancellationToken
        );
        other.Apply(new ModeSettings { Profiling = ProfilingFormat.Trex });
        Directory.Delete(good, recursive: true);
        File.WriteAllText(good, "in the way");
        Assert.Equal(2f, Workbench.Floats(Workbench.Forward(other, X(1))[0])[0]);
        Assert.Equal(1, other.Lanes[0].Lane.UnwrittenProfiles);
        File.Delete(good);
        instance.Dispose();
        other.Dispose();
    }

    private static Tensor X(float first) => Workbench.Floats("x", [1, 4], first, 1, 1, 1);
}
