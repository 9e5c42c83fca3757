using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

public sealed class PreAllocatedOutputTests
{
    [Fact]
    public void No_set_is_made_for_sizes_that_only_running_tells()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(EmulatedModels.NonZero(bench.Folder, requiresAllocator: false));
        using EnteredMode scope = module.EnablePreAllocatedOutputs();
        for (int found = 1; found <= 3; found++)
        {
            Tensor x = Workbench.Floats("x", [4], [.. Enumerable.Range(0, 4).Select(index => index < found ? 1f : 0f)]);
            Assert.Equal(Enumerable.Range(0, found).Select(index => (long)index), Workbench.Longs(module.Forward(x)[0]));
        }

        Assert.Equal(0, module.Instance.Lanes.Sum(lane => lane.Lane.KeptOutputs));
    }

    [Fact, Trait("row", "PA-01"), Trait("row", "PA-07")]
    public void An_owned_engine_gives_fresh_outputs_first_and_the_same_memory_from_then_on()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using EnteredMode scope = module.EnablePreAllocatedOutputs();
        using var device = new DeviceCaller(bench, module);
        var addresses = new List<DevicePointer>();
        DeviceTensor last = default;
        for (int call = 1; call <= 4; call++)
        {
            DeviceTensor result = device.Call(X(call));
            Assert.Equal(call > 2, call > 1 && last.IsStale);
            addresses.Add(result.Pointer);
            Assert.Equal(2f * call, device.Floats(result)[0]);
            last = result;
        }

        Assert.NotEqual(addresses[0], addresses[1]);
        Assert.Single(addresses.Skip(1).Distinct());
    }

    [Fact, Trait("row", "PA-06"), Trait("row", "PA-03")]
    public void Outputs_of_an_unowned_engine_are_never_written_twice()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
        Assert.True(module.Instance.Graph.Segments.Items[^1].UnownedOutputs);
        using EnteredMode scope = module.EnablePreAllocatedOutputs();
        using var device = new DeviceCaller(bench, module);
        DeviceTensor[] results = [.. Enumerable.Range(1, 4).Select(call => device.Call(X(call)))];
        for (int call = 1; call <= 4; call++)
        {
            Assert.Equal(24f * call, device.Floats(results[call - 1])[0]);
        }

        Assert.Equal(4, results.Select(result => result.Pointer).Distinct().Count());
    }

    [Fact]
    public void A_forward_that_is_refused_before_its_launch_leaves_earlier_views_as_they_are()
    {
        using Workbench bench = Workbench.WithDevices(2);
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using var device = new DeviceCaller(bench, module);
        using var elsewhere = new DeviceCaller(bench, bench.Open(TinyModels.Scale(2), device: 1));
        using EnteredMode scope = module.EnablePreAllocatedOutputs();
        device.Call(X(1));
        DeviceTensor last = device.Call(X(2));
        DeviceTensor far = elsewhere.Upload(X(3));
        Assert.Throws<ForwardException>(() => device.Call(far));
        Assert.False(last.IsStale);
        Assert.Equal(4f, device.Floats(last)[0]);
        Assert.Equal(8f, device.Floats(device.Call(X(4)))[0]);
        Assert.True(last.IsStale);
    }

    [Fact, Trait("row", "PA-09")]
    public void A_set_made_for_one_shape_never_serves_another_after_sleeping()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using var device = new DeviceCaller(bench, module);
        using (module.EnablePreAllocatedOutputs())
        {
            device.Call(X(1));
        }

        device.Call(Y(3)).Return();
        using (module.EnablePreAllocatedOutputs())
        {
            device.Call(Y(4));
            DeviceTensor last = device.Call(Y(5));
            Assert.Equal(new TensorShape(3, 4), last.Shape);
            Assert.Equal(Enumerable.Repeat(10f, 12), device.Floats(last));
            Assert.True(last.Block.Bytes >= 48);
        }
    }

    [Fact, Trait("row", "PA-02")]
    public void Twenty_five_shapes_twice_with_graphs_and_sets_toggled_are_all_right()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        int call = 0;
        for (int round = 0; round < 2; round++)
        {
            for (int rows = 1; rows <= 25; rows++, call++)
            {
                var settings = new ModeSettings
                {
                    CudaGraphs = call % 2 == 0 ? CudaGraphsMode.PerSegment : CudaGraphsMode.Off,
                    PreAllocatedOutputs = call / 3 % 2 == 0,
                };
                float[] values = [.. Enumerable.Range(call, rows * 4).Select(value => (float)value)];
                Assert.Equal(
                    values.Select(value => 2 * value),
                    Workbench.Floats(Workbench.Forward(instance, settings, Workbench.Floats("x", [rows, 4], values))[0])
                );
            }
        }
    }

    [Fact, Trait("row", "PA-10")]
    public void Scopes_nest_and_the_last_exit_releases_the_buffers()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using var device = new DeviceCaller(bench, module);
        EnteredMode outer = module.EnablePreAllocatedOutputs();
        using (module.EnablePreAllocatedOutputs())
        {
            device.Call(X(1)).Return();
        }

        Assert.True(module.Modes.Effective(module).PreAllocatedOutputs);
        Assert.Equal(1, module.Instance.Lanes[0].Lane.KeptOutputs);
        outer.Dispose();
        Assert.False(module.Modes.Effective(module).PreAllocatedOutputs);
        Assert.Equal(0, module.Instance.Lanes[0].Lane.KeptOutputs);
        Assert.Equal(0, module.Instance.HomePool.Lent);
    }

    [Fact, Trait("row", "PA-11")]
    public void With_graphs_the_set_is_what_replays_copy_into()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        var settings = new ModeSettings { CudaGraphs = CudaGraphsMode.PerSegment, PreAllocatedOutputs = true };
        for (int call = 1; call <= 4; call++)
        {
            Assert.Equal(2f * call, Workbench.Floats(Workbench.Forward(instance, settings, X(call))[0])[0]);
        }

        Assert.Equal(1, instance.Counters.Snapshot().Captures);
    }

    private static Tensor X(float value) => Workbench.Floats("x", [1, 4], value, value, value, value);

    private static Tensor Y(float value) => Workbench.Floats("x", [3, 4], [.. Enumerable.Repeat(value, 12)]);
}
