using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Graphs;

public sealed class WholeGraphTests
{
    [Fact, Trait("row", "MO-05")]
    public void A_module_with_a_fallback_is_captured_whole_and_only_there()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
        using (module.EnableCudaGraphs())
        {
            Assert.True(module.Modes.GetWholeCudaGraphsMode(module));
            Assert.False(module.Modes.GetCudaGraphsMode(module));
        }

        Assert.False(module.Modes.GetWholeCudaGraphsMode(module));
    }

    [Fact, Trait("row", "WG-01"), Trait("row", "WG-02")]
    public void Three_warm_ups_one_capture_then_replays_alone_with_independent_outputs()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
        using EnteredMode scope = module.EnableCudaGraphs();
        using var device = new DeviceCaller(bench, module, direct: true);

        EmulatedDeviceSnapshot before = bench.Driver.Snapshot(0);
        DeviceTensor first = device.Call(X(1, 2));
        Assert.Equal((3, 1, 1), (module.Counts.WarmUps, module.Counts.Captures, module.Counts.Replays));
        Assert.Equal(9, (bench.Driver.Snapshot(0) - before).Launches);
        Assert.Equal(3, (bench.Driver.Snapshot(0) - before).ReplayedLaunches);

        before = bench.Driver.Snapshot(0);
        DeviceTensor second = device.Call(X(3, 4));
        EmulatedDeviceSnapshot spent = bench.Driver.Snapshot(0) - before;
        Assert.Equal((0, 1, 0), (spent.Captures, spent.Replays, spent.Launches));
        Assert.Equal([24, 48], device.Floats(first)[..2]);
        Assert.Equal([72, 96], device.Floats(second)[..2]);
    }

    [Theory, Trait("row", "WG-01"), Trait("row", "WG-03")]
    [InlineData(0)]
    [InlineData(1)]
    public void With_fixed_shapes_the_warm_ups_run_when_the_scope_is_entered_and_the_first_call_only_records(int middleDevice)
    {
        using var bench = Workbench.WithDevices(2);
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder, middleDevice, rows: "1"));
        using var device = new DeviceCaller(bench, module, direct: true);
        device.Call(X(9, 9)).Return();
        module.Instance.HomePool.Trim();
        int alive = Alive(bench);
        long bytes = module.Instance.HomePool.Bytes;
        using (module.EnableCudaGraphs())
        {
            Assert.Equal((3, 0, 0), (module.Counts.WarmUps, module.Counts.Captures, module.Counts.Replays));
            EmulatedDeviceSnapshot before = bench.Driver.Snapshot(0);
            for (int call = 1; call <= 3; call++)
            {
                DeviceTensor y = device.Call(X(call, 2));
                Assert.Equal([24f * call, 48], device.Floats(y)[..2]);
                y.Return();
            }

            Assert.Equal((3, 1, 3), (module.Counts.WarmUps, module.Counts.Captures, module.Counts.Replays));
            Assert.Equal((1, 3), ((bench.Driver.Snapshot(0) - before).Captures, (bench.Driver.Snapshot(0) - before).Replays));
        }

        using (module.EnableCudaGraphs())
        {
            // Left without a call: what was warm is gone too.
        }

        module.Instance.HomePool.Trim();
        Assert.Equal((alive, bytes), (Alive(bench), module.Instance.HomePool.Bytes));
        Assert.Equal(6, module.Counts.WarmUps);
    }

    [Fact, Trait("row", "WG-01")]
    public void Per_segment_each_is_warmed_up_once_on_entry_and_a_failure_there_is_nobodys()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder, rows: "1"));
        using (module.Modes.Enter([module], new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment }))
        {
            Assert.Equal((3, 0), (module.Counts.WarmUps, module.Counts.Captures));
            Assert.Equal(24f, Workbench.Floats(module.Forward(X(1, 2))[0])[0]);
            Assert.Equal((3, 3, 3), (module.Counts.WarmUps, module.Counts.Captures, module.Counts.Replays));
        }

        bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.RefusedLaunch, 0));
        using (module.EnableCudaGraphs())
        {
            Assert.Equal(24f, Workbench.Floats(module.Forward(X(1, 2))[0])[0]);
            Assert.Equal(48f, Workbench.Floats(module.Forward(X(2, 2))[0])[0]);
            Assert.Equal((6, 4, 5), (module.Counts.WarmUps, module.Counts.Captures, module.Counts.Replays));
        }
    }

    [Fact, Trait("row", "WG-04")]
    public void Another_shape_or_stream_is_right_and_plain_execution_follows_the_scope()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
        using var one = new DeviceCaller(bench, module, direct: true);
        using var other = new DeviceCaller(bench, module, direct: true);
        using (module.EnableCudaGraphs())
        {
            Assert.Equal([24, 48], one.Floats(one.Call(X(1, 2)))[..2]);
            Assert.Equal(48f, one.Floats(one.Call(Workbench.Floats("x", [2, 4], 1, 1, 1, 1, 2, 2, 2, 2)))[7]);
            Assert.Equal(2, module.Counts.Captures);
            Assert.Equal([72, 96], other.Floats(other.Call(X(3, 4)))[..2]);
            Assert.Equal(2, module.Counts.Captures);
        }

        Assert.Equal(0, module.Instance.Lanes[0].Lane.Graphs);
        Assert.Equal([24, 48], one.Floats(one.Call(X(1, 2)))[..2]);
        Assert.Equal(3, module.Counts.Replays);
    }

    [Fact]
    public void A_module_across_two_devices_is_captured_with_its_peer_copies()
    {
        using var bench = Workbench.WithDevices(2);
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder, middleDevice: 1));
        using EnteredMode scope = module.EnableCudaGraphs();
        for (int call = 1; call <= 4; call++)
        {
            Assert.Equal([24f * call, 48, 72, 96], Workbench.Floats(module.Forward(Workbench.Floats("x", [1, 4], call, 2, 3, 4))[0]));
        }

        Assert.Equal((1, 4), (module.Counts.Captures, module.Counts.Replays));
    }

    [Fact, Trait("row", "WG-11")]
    public void One_output_or_several_come_in_the_modules_order()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(Path.Combine(AppContext.BaseDirectory, "Samples", "models", "fashion", "1", "module.json"));
        using EnteredMode scope = module.EnableCudaGraphs();
        var pictures = new SamplePictures();
        for (int call = 0; call < 3; call++)
        {
            Tensor[] results = module.Forward(pictures.Batch(0, 4));
            Assert.Equal(["confidence", "label"], results.Select(result => result.Name));
            Assert.Equal(Enumerable.Range(0, 4).Select(picture => (long)pictures.LabelOf(picture)), Workbench.Longs(results[1]));
        }
    }

    private static Tensor X(float a, float b) => Workbench.Floats("x", [1, 4], a, b, 0, 0);

    /// <summary>Without what the allocator keeps for the next forward.</summary>
    private static int Alive(Workbench bench) =>
        bench
            .Driver.Alive()
            .Count(line =>
                !line.StartsWith("device memory", StringComparison.Ordinal) && !line.StartsWith("event", StringComparison.Ordinal)
            );
}
