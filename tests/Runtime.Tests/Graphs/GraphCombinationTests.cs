using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Graphs;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Graphs;

/// <summary>Graphs met by everything else that may change between two calls: streams, modes of other kinds, failures, memory.</summary>
public sealed class GraphCombinationTests
{
    private static readonly ModeSettings PerSegment = new() { CudaGraphs = CudaGraphsMode.PerSegment };
    private static readonly ModeSettings Whole = new() { CudaGraphs = CudaGraphsMode.WholeModule };

    [Fact, Trait("row", "CG-05")]
    public void Callers_that_take_turns_on_two_streams_share_one_recording()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using EnteredMode scope = module.EnableCudaGraphs();
        using DeviceCaller one = new(bench, module, direct: true),
            other = new(bench, module, direct: true),
            joined = new(bench, module);
        for (int call = 0; call < 9; call++)
        {
            DeviceCaller caller = (call % 3) switch
            {
                0 => one,
                1 => other,
                _ => joined,
            };
            Assert.Equal([2f * call, 2, 2, 2], caller.Floats(caller.Call(X(call))));
        }

        Assert.Equal((1, 9), (module.Counts.Captures, module.Counts.Replays));
    }

    [Fact, Trait("row", "CG-05")]
    public void Two_callers_at_once_record_once_per_lane_and_never_again()
    {
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1) with { Policy = ExecutionPolicy.Deferred, Seed = 11 });
        LocalModule module = bench.Open(TinyModels.Scale(2), lanes: 2);
        using EnteredMode scope = module.EnableCudaGraphs();
        using DeviceCaller one = new(bench, module, direct: true),
            other = new(bench, module, direct: true);
        for (int round = 0; round < 6; round++)
        {
            DeviceTensor left = one.Call(X(round)),
                right = other.Call(X(round + 100));
            Assert.Equal(2f * round, one.Floats(left)[0]);
            Assert.Equal(2f * (round + 100), other.Floats(right)[0]);
        }

        Assert.InRange(module.Counts.Captures, 1, 2);
        Assert.Equal(12, module.Counts.Replays);
        Assert.Empty(bench.Driver.Reports);
    }

    [Fact, Trait("row", "CG-12"), Trait("row", "CG-14")]
    public void A_caller_whose_stream_is_gone_before_its_work_is_done_disturbs_nobody()
    {
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1) with { Policy = ExecutionPolicy.Deferred, Seed = 3 });
        LocalModule module = bench.Open(TinyModels.Scale(2), lanes: 1);
        using EnteredMode scope = module.EnableCudaGraphs();
        using DeviceCaller stays = new(bench, module);
        for (int round = 1; round <= 4; round++)
        {
            DeviceTensor x = stays.Upload(X(round));
            var outputs = new DeviceTensor[1];
            DeviceStream gone = DeviceStream.Create(module.Instance.HomePool.Device);
            module.Forward([x], outputs, CallerStream.Direct(gone));
            gone.Dispose();
            Assert.Equal(20f * round, stays.Floats(stays.Call(X(10 * round)))[0]);
            outputs[0].Return();
            x.Return();
        }

        Assert.Empty(bench.Driver.Reports);
    }

    [Theory, Trait("row", "WG-06")]
    [InlineData(CudaGraphsMode.Off)]
    [InlineData(CudaGraphsMode.PerSegment)]
    public void Leaving_whole_module_graphs_and_coming_back_with_the_same_shape_records_again_and_is_right(CudaGraphsMode between)
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
        using EnteredMode whole = module.EnableCudaGraphs();
        Assert.Equal(24f, Workbench.Floats(module.Forward(X(1))[0])[0]);
        using (module.Modes.Enter([module], new ModeChange { CudaGraphs = between }))
        {
            Assert.Equal(48f, Workbench.Floats(module.Forward(X(2))[0])[0]);
            Assert.Equal(between == CudaGraphsMode.Off ? 0 : 3, module.Instance.Lanes[0].Lane.Graphs);
        }

        Assert.Equal(72f, Workbench.Floats(module.Forward(X(3))[0])[0]);
        Assert.Equal(96f, Workbench.Floats(module.Forward(X(4))[0])[0]);
        Assert.Equal(1, module.Instance.Lanes[0].Lane.Graphs);
    }

    [Fact, Trait("row", "CG-07"), Trait("row", "CG-08")]
    public void Switched_off_the_next_call_is_plain_and_holds_nothing_switched_on_the_next_one_records()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        for (int round = 1; round <= 3; round++)
        {
            module.Modes.SetCudaGraphsMode(true);
            Assert.Equal(2f * round, Workbench.Floats(module.Forward(X(round))[0])[0]);
            Assert.Equal(round, module.Counts.Captures);
            module.Modes.SetCudaGraphsMode(false);
            Assert.Equal(0, module.Instance.Lanes[0].Lane.Graphs);
            Assert.Equal(3f * 2, Workbench.Floats(module.Forward(X(3))[0])[0]);
            Assert.Equal(round, module.Counts.Replays);
        }
    }

    [Fact, Trait("row", "CG-09")]
    public void A_refused_input_between_two_calls_costs_no_recording()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(EmulatedModels.TwoProfiles(bench.Folder), lanes: 1);
        ModeSettings pinned = PerSegment with { Profile = ProfileChoice.Pinned(1) };
        Tensor good = Workbench.Floats("x", [1, 2, 16], new float[32]),
            bad = Workbench.Floats("x", [1, 33, 16], new float[33 * 16]);
        Assert.Throws<ForwardException>(() => Workbench.Forward(instance, pinned, bad));
        Workbench.Forward(instance, pinned, good);
        Assert.Throws<ForwardException>(() => Workbench.Forward(instance, pinned, bad));
        Workbench.Forward(instance, pinned, good);
        Workbench.Forward(instance, pinned, good);
        Assert.Equal((1, 3), (instance.Counters.Snapshot().Captures, instance.Counters.Snapshot().Replays));
    }

    [Theory, Trait("row", "CG-13")]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_refused_launch_anywhere_in_the_recording_call_leaves_the_next_calls_right(int after)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModules.Hybrid(bench.Folder), lanes: 1);
        bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.RefusedLaunch, 0) { After = after });
        float[]? first = null;
        try
        {
            first = Workbench.Floats(Workbench.Forward(instance, Whole, X(1))[0]);
        }
        catch (ForwardException refused)
        {
            Assert.Equal(FailureKind.BackendFailed, refused.Kind);
        }

        Assert.True(first is null || first[0] == 24f, $"{first?[0]}");
        for (int call = 2; call <= 4; call++)
        {
            Assert.Equal(24f * call, Workbench.Floats(Workbench.Forward(instance, Whole, X(call))[0])[0]);
        }

        Assert.True(instance.Counters.Snapshot().Replays >= 3);
    }

    [Fact, Trait("row", "CG-13")]
    public void What_a_call_recorded_before_it_failed_is_not_kept_also_for_callers_on_the_device()
    {
        bool evicted = false;
        for (int after = 0; after < 9; after++)
        {
            using var bench = new Workbench();
            LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
            module.Modes.SetCudaGraphsMode(true);
            using DeviceCaller device = new(bench, module);
            DeviceTensor x = device.Upload(X(5));
            bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.RefusedLaunch, 0) { After = after, Times = 3 });
            bool failed = Record.Exception(() => device.Call([x])) is ForwardException;
            bench.Driver.ClearFaults();
            long recorded = module.Counts.Captures;
            Assert.Equal(120f, device.Floats(device.Call([x])[0])[0]);
            Assert.Equal(120f, device.Floats(device.Call([x])[0])[0]);
            Assert.Equal(3, module.Instance.Lanes[0].Lane.Graphs);
            Assert.Equal(failed ? recorded : 0, module.Counts.GraphEvictions);
            evicted |= module.Counts.GraphEvictions > 0;
        }

        Assert.True(evicted, "No call failed after it had recorded.");
    }

    [Fact, Trait("row", "CG-10")]
    public void Keys_beyond_the_bound_evict_the_least_recently_used_and_give_its_memory_back()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        for (int rows = 1; rows <= GraphCache.DefaultCapacity + 6; rows++)
        {
            Assert.Equal(rows * 4, Workbench.Floats(Workbench.Forward(instance, PerSegment, Rows(rows))[0]).Length);
        }

        InstanceCountsAre(instance, captures: GraphCache.DefaultCapacity + 6, evictions: 6);
        Assert.Equal(GraphCache.DefaultCapacity, instance.Lanes[0].Lane.Graphs);
        Workbench.Forward(instance, PerSegment, Rows(GraphCache.DefaultCapacity + 6));
        Workbench.Forward(instance, PerSegment, Rows(7));
        InstanceCountsAre(instance, captures: GraphCache.DefaultCapacity + 6, evictions: 6);
        Workbench.Forward(instance, PerSegment, Rows(1));
        InstanceCountsAre(instance, captures: GraphCache.DefaultCapacity + 7, evictions: 7);
        int contexts = bench.Driver.Alive().Count;
        instance.FreeAllBut(default);
        Assert.Equal(0, instance.Lanes[0].Lane.Graphs);
        Assert.True(bench.Driver.Alive().Count < contexts);
    }

    [Fact, Trait("row", "CG-18")]
    public void A_dynamic_workspace_stays_with_a_recording_and_comes_back_when_it_goes()
    {
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1) with { Policy = ExecutionPolicy.Deferred, Seed = 17 });
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "workspaceBytes": 4096"""), lanes: 1);
        using EnteredMode dynamic = module.ResourceAllocationStrategy(WorkspaceStrategy.Dynamic);
        module.Forward(X(1));
        int lent = module.Instance.HomePool.Lent;
        using (module.EnableCudaGraphs())
        {
            for (int call = 1; call <= 4; call++)
            {
                Assert.Equal(2f * call, Workbench.Floats(module.Forward(X(call))[0])[0]);

                // A call at another shape takes scratch memory from the pool: it must not be the recording's.
                Assert.Equal(2f, Workbench.Floats(module.Forward(Rows(call + 1))[0])[^1]);
            }

            Assert.True(module.Instance.HomePool.Lent > lent, "The recording holds no workspace.");
        }

        Assert.Equal(lent, module.Instance.HomePool.Lent);
        Assert.Empty(bench.Driver.Reports);
    }

    [Theory, Trait("row", "DW-02"), Trait("row", "MD-15")]
    [InlineData(1)]
    [InlineData(2)]
    public void A_static_workspace_is_there_once_per_lane_whatever_its_contexts_and_recordings(int lanes)
    {
        const int Large = 1 << 20;
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1) with { Policy = ExecutionPolicy.Deferred, Seed = 29 });
        bench.Folder.Write("a.onnx", TinyModels.Scale(2, "x", "t"));
        bench.Folder.Write("b.onnx", TinyModels.Scale(3, "t", "u"));
        bench.Folder.Write("c.onnx", TinyModels.Scale(4, "u", "y"));
        bench.Folder.Write("a.json", $$"""{ "onnx": "a.onnx", "workspaceBytes": {{Large / 2}} }""");
        bench.Folder.Write("b.json", $$"""{ "onnx": "b.onnx", "workspaceBytes": {{Large}} }""");
        bench.Folder.Write("c.json", $$"""{ "onnx": "c.onnx", "workspaceBytes": {{Large / 4}} }""");
        LocalModule module = bench.Open(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 4] }],
                  "segments": [
                    { "name": "_run_on_acc_0", "backend": "emulated", "file": "a.json", "inputs": ["x"], "outputs": ["t"] },
                    { "name": "_run_on_acc_1", "backend": "emulated", "file": "b.json", "inputs": ["t"], "outputs": ["u"] },
                    { "name": "_run_on_acc_2", "backend": "emulated", "file": "c.json", "inputs": ["u"], "outputs": ["y"] }] }
                """
            ),
            lanes: lanes
        );
        using DeviceCaller one = new(bench, module, direct: true),
            other = new(bench, module);
        long before = bench.Driver.Snapshot(0).BytesInUse;
        foreach (CudaGraphsMode graphs in new[] { CudaGraphsMode.Off, CudaGraphsMode.PerSegment, CudaGraphsMode.WholeModule })
        {
            using EnteredMode scope = module.Modes.Enter([module], new ModeChange { CudaGraphs = graphs });
            for (int call = 1; call <= 6; call++)
            {
                DeviceTensor left = one.Call(Rows(1 + (call % 3))),
                    right = other.Call(X(call));
                Assert.Equal((24f, 24f * call), (one.Floats(left)[^1], other.Floats(right)[0]));
                left.Return();
                right.Return();
            }
        }

        // The large piece, the one it outgrew, which the pool keeps, and little things.
        Assert.InRange(bench.Driver.Snapshot(0).PeakBytesInUse - before, Large, lanes * 2 * Large);
        Assert.Empty(bench.Driver.Reports);
    }

    [Theory, Trait("row", "CG-11")]
    [InlineData("workspace")]
    [InlineData("budget")]
    [InlineData("profiling")]
    public void A_change_of_the_instance_between_calls_records_again_and_the_way_back_too(string what)
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "workspaceBytes": 512, "streamableBytes": 1000"""));
        ModeChange change = what switch
        {
            "workspace" => new ModeChange { Workspace = WorkspaceStrategy.Dynamic },
            "budget" => new ModeChange { WeightBudget = WeightBudget.OfBytes(400) },
            _ => new ModeChange { Profiling = ProfilingFormat.Trex },
        };
        using EnteredMode graphs = module.EnableCudaGraphs();
        Assert.Equal(2f, Workbench.Floats(module.Forward(X(1))[0])[0]);
        using (module.Modes.Enter([module], change))
        {
            Assert.Equal(0, module.Instance.Lanes[0].Lane.Graphs);
            Assert.Equal(4f, Workbench.Floats(module.Forward(X(2))[0])[0]);
            Assert.Equal(6f, Workbench.Floats(module.Forward(X(3))[0])[0]);

            // With weights on the host an enqueue synchronizes and cannot be recorded: plain, not failing.
            Assert.Equal(what == "budget" ? 1 : 2, module.Counts.Captures);
            Assert.Equal(0, module.Counts.FailedCaptures);
        }

        Assert.Equal(8f, Workbench.Floats(module.Forward(X(4))[0])[0]);
        Assert.Equal(what == "budget" ? 2 : 3, module.Counts.Captures);
    }

    [Fact, Trait("row", "WS-09")]
    public void Whole_module_graphs_follow_the_budget_out_of_and_back_into_recording()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoStreamable(bench.Folder, 1000, 3000));
        using EnteredMode whole = module.Modes.Enter([module], new ModeChange { CudaGraphs = CudaGraphsMode.WholeModule });
        using WeightStreamingScope weights = module.WeightStreaming();
        foreach ((long budget, int captures) in new[] { (4000L, 1), (3200, 1), (0, 1), (4000, 2) })
        {
            weights.DeviceBudget = budget;
            Assert.Equal(budget, weights.DeviceBudget);
            for (int call = 1; call <= 2; call++)
            {
                Assert.Equal(6f * call, Workbench.Floats(module.Forward(X(call))[0])[0]);
            }

            Assert.Equal(captures, module.Counts.Captures);
        }
    }

    [Fact, Trait("row", "OP-03"), Trait("row", "OP-05")]
    public void A_profile_switch_records_under_the_new_profile_and_the_former_recording_still_serves()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.TwoProfiles(bench.Folder));
        using EnteredMode graphs = module.EnableCudaGraphs(),
            auto = module.OptimizationProfile("auto");
        foreach ((int seq, int captures) in new[] { (1, 1), (1, 1), (32, 2), (32, 2), (1, 3), (1, 3), (32, 3) })
        {
            float[] values = [.. Enumerable.Range(0, 4 * seq * 16).Select(value => (float)value)];
            Assert.Equal(
                values.Select(value => 2 * value),
                Workbench.Floats(module.Forward(Workbench.Floats("x", [4, seq, 16], values))[0])
            );
            Assert.Equal(captures, module.Counts.Captures);
        }

        using (module.OptimizationProfile(0))
        {
            Assert.Equal(2f, Workbench.Floats(module.Forward(Workbench.Floats("x", [1, 1, 16], [.. Enumerable.Repeat(1f, 16)]))[0])[0]);
            Assert.Throws<ForwardException>(() => module.Forward(Workbench.Floats("x", [1, 32, 16], new float[512])));
        }

        Assert.Equal(512, Workbench.Floats(module.Forward(Workbench.Floats("x", [1, 32, 16], new float[512]))[0]).Length);
    }

    [Fact, Trait("row", "OA-07")]
    public void An_allocator_call_at_another_shape_does_not_touch_what_graphs_recorded()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder));
        for (int round = 1; round <= 3; round++)
        {
            using (module.EnableCudaGraphs())
            {
                Assert.Equal(2f * round, Workbench.Floats(module.Forward(X(round))[0])[0]);
            }

            using (module.EnableOutputAllocator())
            {
                Assert.Equal(round * 4, Workbench.Floats(module.Forward(Rows(round))[0]).Length);
            }

            using (module.EnableCudaGraphs())
            {
                Assert.Equal(Enumerable.Repeat(2f, round * 4), Workbench.Floats(module.Forward(Rows(round))[0]));
            }
        }

        // The same through one lane with settings per forward, so that the recordings live on.
        ModuleInstance instance = bench.Load(EmulatedModels.Scaled(bench.Folder), lanes: 1);
        foreach (
            (int rows, ModeSettings settings) in new[]
            {
                (1, PerSegment),
                (2, new ModeSettings { OutputAllocator = true }),
                (2, PerSegment),
                (1, PerSegment),
                (2, PerSegment),
            }
        )
        {
            Assert.Equal(Enumerable.Repeat(2f, rows * 4), Workbench.Floats(Workbench.Forward(instance, settings, Rows(rows))[0]));
        }

        Assert.Equal(2, instance.Counters.Snapshot().Captures);
    }

    [Fact, Trait("row", "CG-16")]
    public void Pre_allocated_outputs_follow_the_value_of_a_shape_tensor()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(EmulatedModels.Expanded(bench.Folder), lanes: 1);
        var settings = new ModeSettings { PreAllocatedOutputs = true };
        foreach (long rows in new long[] { 2, 2, 2, 5, 5, 1, 2, 5 })
        {
            foreach (
                ModeSettings modes in new[]
                {
                    settings,
                    settings with
                    {
                        CudaGraphs = CudaGraphsMode.PerSegment,
                    },
                    settings with
                    {
                        CudaGraphs = CudaGraphsMode.WholeModule,
                    },
                }
            )
            {
                Tensor y = Workbench.Forward(instance, modes, X(rows), Workbench.Longs("size", [2], rows, 4))[0];
                Assert.Equal(new TensorShape(rows, 4), y.Shape);
                Assert.Equal(Enumerable.Repeat((float)rows, (int)rows), Workbench.Floats(y).Where((_, index) => index % 4 == 0));
            }
        }
    }

    [Fact]
    public void A_key_that_failed_twice_is_tried_again_once_an_epoch_moves()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "workspaceBytes": 512"""));
        using EnteredMode graphs = module.EnableCudaGraphs();
        bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.FailedCapture, 0) { Times = 2 });
        for (int call = 1; call <= 4; call++)
        {
            Assert.Equal(2f * call, Workbench.Floats(module.Forward(X(call))[0])[0]);
        }

        Assert.Equal((2, 0), (module.Counts.FailedCaptures, module.Counts.Captures));
        using EnteredMode dynamic = module.ResourceAllocationStrategy(WorkspaceStrategy.Dynamic);
        Assert.Equal(2f, Workbench.Floats(module.Forward(X(1))[0])[0]);
        Assert.Equal((2, 1), (module.Counts.FailedCaptures, module.Counts.Captures));
    }

    [Fact, Trait("row", "PA-11"), Trait("row", "PA-04")]
    public void Pre_allocated_outputs_and_graphs_together_copy_into_the_set_and_stale_views_are_refused()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using DeviceCaller device = new(bench, module);
        DeviceTensor first,
            second,
            third;
        using (module.EnableCudaGraphs())
        using (module.EnablePreAllocatedOutputs())
        {
            first = device.Call(X(1));
            second = device.Call(X(2));
            Assert.Equal([2f, 4f], [device.Floats(first)[0], device.Floats(second)[0]]);
            third = device.Call(X(3));
            Assert.True(second.IsStale);
            Assert.Throws<ObjectDisposedException>(() => device.Floats(second));
            Assert.Equal(6f, device.Floats(third)[0]);
            Assert.Equal((1, 3), (module.Counts.Captures, module.Counts.Replays));
        }

        Assert.Throws<ObjectDisposedException>(() => device.Floats(third));
        Assert.Throws<ObjectDisposedException>(() => device.Call(third));
        Assert.Equal(2f, device.Floats(first)[0]);
        first.Return();
        Assert.Equal(8f, device.Floats(device.Call(X(4)))[0]);
    }

    private static void InstanceCountsAre(ModuleInstance instance, int captures, int evictions) =>
        Assert.Equal((captures, evictions), (instance.Counters.Snapshot().Captures, instance.Counters.Snapshot().GraphEvictions));

    private static Tensor X(float first) => Workbench.Floats("x", [1, 4], first, 1, 1, 1);

    private static Tensor Rows(int rows) => Workbench.Floats("x", [rows, 4], [.. Enumerable.Repeat(1f, rows * 4)]);
}
