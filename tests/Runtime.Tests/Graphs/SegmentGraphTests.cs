using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Graphs;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Graphs;

/// <summary>Graphs per segment: recorded once per key, replayed ever after, never wrong.
/// A recording is a <see cref="GraphEntry"/>.</summary>
public sealed class SegmentGraphTests
{
    private static readonly ModeSettings PerSegment = new() { CudaGraphs = CudaGraphsMode.PerSegment };

    [Fact, Trait("row", "CG-01")]
    public void Five_calls_of_one_shape_capture_once_and_replay_five_times()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(3));
        using EnteredMode scope = module.EnableCudaGraphs();
        for (int call = 1; call <= 5; call++)
        {
            Assert.Equal([3f * call, 6, 9, 12], Workbench.Floats(module.Forward(X(call, 2, 3, 4))[0]));
        }

        Assert.Equal((1, 5, 1), (module.Counts.Captures, module.Counts.Replays, module.Counts.WarmUps));
        Assert.Equal((1, 5), (bench.Driver.Snapshot(0).Captures, bench.Driver.Snapshot(0).Replays));
    }

    [Fact, Trait("row", "CG-02")]
    public void A_chain_has_one_graph_per_segment()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
        module.Modes.SetCudaGraphsMode(true);
        for (int call = 1; call <= 5; call++)
        {
            Assert.Equal([24f * call, 48, 72, 96], Workbench.Floats(module.Forward(X(call, 2, 3, 4))[0]));
        }

        Assert.Equal((3, 15), (module.Counts.Captures, module.Counts.Replays));
    }

    [Fact, Trait("row", "CG-03")]
    public void Five_shapes_capture_five_times_and_returning_to_one_captures_no_more()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using EnteredMode scope = module.EnableCudaGraphs();
        for (int shape = 1; shape <= 5; shape++)
        {
            for (int run = 0; run < 5; run++)
            {
                float[] values = [.. Enumerable.Range(run, shape * 4).Select(value => (float)value)];
                Tensor result = module.Forward(Workbench.Floats("x", [shape, 4], values))[0];
                Assert.Equal(values.Select(value => 2 * value), Workbench.Floats(result));
            }
        }

        Assert.Equal(5, module.Counts.Captures);
        module.Forward(X(1, 2, 3, 4));
        Assert.Equal((5, 26), (module.Counts.Captures, module.Counts.Replays));
    }

    [Fact, Trait("row", "CG-20")]
    public void A_plain_call_between_replays_disturbs_no_recording()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        foreach (
            (int rows, ModeSettings settings) in new[]
            {
                (1, PerSegment),
                (2, PerSegment),
                (1, PerSegment),
                (3, ModeSettings.Default),
                (1, PerSegment),
                (2, PerSegment),
            }
        )
        {
            float[] values = [.. Enumerable.Range(rows, rows * 4).Select(value => (float)value)];
            Assert.Equal(
                values.Select(value => 2 * value),
                Workbench.Floats(Workbench.Forward(instance, settings, Workbench.Floats("x", [rows, 4], values))[0])
            );
        }

        Assert.Equal(2, instance.Counters.Snapshot().Captures);
    }

    [Fact, Trait("row", "WG-09")]
    public void The_end_of_the_scope_releases_the_recording_and_its_memory()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        module.Forward(X(1, 2, 3, 4));
        module.Instance.HomePool.Trim();
        long before = module.Instance.HomePool.Bytes;
        int alive = bench.Driver.Alive().Count;
        using (module.EnableCudaGraphs())
        {
            module.Forward(X(1, 2, 3, 4));
            Assert.Equal(1, module.Instance.Lanes[0].Lane.Graphs);
            Assert.True(module.Instance.HomePool.Bytes > before);
        }

        Assert.Equal(0, module.Instance.Lanes[0].Lane.Graphs);
        module.Instance.HomePool.Trim();
        Assert.Equal(before, module.Instance.HomePool.Bytes);
        Assert.Equal(alive, bench.Driver.Alive().Count);
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(X(1, 2, 3, 4))[0]));
    }

    [Fact, Trait("row", "MO-10")]
    public void A_scope_on_one_module_leaves_another_alone()
    {
        using var bench = new Workbench();
        LocalModule a = bench.Open(TinyModels.Scale(2)),
            b = bench.Open(TinyModels.Scale(3));
        using EnteredMode scope = a.EnableCudaGraphs();
        a.Forward(X(1, 1, 1, 1));
        b.Forward(X(1, 1, 1, 1));
        Assert.Equal((1, 0), (a.Counts.Captures, b.Counts.Captures));
    }

    [Fact, Trait("row", "CG-06")]
    public void A_result_is_not_overwritten_by_the_next_call()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using EnteredMode scope = module.EnableCudaGraphs();
        using var device = new DeviceCaller(bench, module);
        DeviceTensor first = device.Call(X(1, 1, 1, 1)),
            second = device.Call(X(2, 2, 2, 2));
        Assert.NotEqual(first.Pointer, second.Pointer);
        Assert.Equal([2, 2, 2, 2], device.Floats(first));
        Assert.Equal([4, 4, 4, 4], device.Floats(second));
    }

    [Fact, Trait("row", "CG-04")]
    public void New_input_memory_of_the_same_shape_needs_no_new_recording()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using EnteredMode scope = module.EnableCudaGraphs();
        using var device = new DeviceCaller(bench, module);
        device.Call(X(1, 1, 1, 1)).Return();
        module.Instance.HomePool.Trim();
        Assert.Equal([14, 14, 14, 14], device.Floats(device.Call(X(7, 7, 7, 7))));
        Assert.Equal(1, module.Counts.Captures);
    }

    [Fact]
    public void A_failure_on_the_device_drops_what_was_recorded_for_it_and_the_next_call_records_anew()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Pick());
        using EnteredMode scope = module.EnableCudaGraphs();
        Tensor x = Workbench.Floats("x", [3], 5, 6, 7);
        Assert.Throws<ForwardException>(() => module.Forward(x, Workbench.Longs("i", [1], 9)));
        Assert.Equal([7], Workbench.Floats(module.Forward(x, Workbench.Longs("i", [1], 2))[0]));
        Assert.Equal([6], Workbench.Floats(module.Forward(x, Workbench.Longs("i", [1], 1))[0]));
    }

    private static Tensor X(params float[] row) => Workbench.Floats("x", [1, 4], row);
}
