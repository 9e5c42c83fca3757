using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
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

    [Theory]
    [InlineData(CudaGraphsMode.Off)]
    [InlineData(CudaGraphsMode.PerSegment)]
    [InlineData(CudaGraphsMode.WholeModule)]
    public void The_view_of_the_set_that_a_caller_feeds_back_is_read_before_it_is_overwritten(CudaGraphsMode graphs)
    {
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1) with { Policy = ExecutionPolicy.Deferred, Seed = 3 });
        bench.Folder.Write(
            "next.onnx",
            new TinyOnnx()
                .Input("x", TinyOnnx.Element.Float, 4)
                .Output("y", TinyOnnx.Element.Float, 4)
                .Constant("one", [1f], 1)
                .Node("Add", ["x", "one"], ["y"])
        );
        bench.Folder.Write(
            "read.onnx",
            new TinyOnnx()
                .Input("x", TinyOnnx.Element.Float, 4)
                .Output("z", TinyOnnx.Element.Float, 4)
                .Constant("ten", [10f], 1)
                .Node("Mul", ["x", "ten"], ["z"])
        );
        LocalModule module = bench.Open(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "x", "dtype": "FP32", "shape": [4] }],
                  "outputs": [{ "name": "y", "dtype": "FP32", "shape": [4] }, { "name": "z", "dtype": "FP32", "shape": [4] }],
                  "segments": [
                    { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "next.onnx", "unownedOutputs": false, "inputs": ["x"], "outputs": ["y"] },
                    { "name": "_run_on_acc_1", "backend": "onnxruntime", "file": "read.onnx", "unownedOutputs": false, "inputs": ["x"], "outputs": ["z"] }] }
                """
            )
        );
        using EnteredMode scope = module.Modes.Enter([module], new ModeChange { CudaGraphs = graphs, PreAllocatedOutputs = true });
        using var device = new DeviceCaller(bench, module);
        DeviceTensor state = device.Upload(Workbench.Floats("x", [4], 1, 2, 3, 4));
        for (int call = 1; call <= 8; call++)
        {
            DeviceTensor before = state;
            DeviceTensor[] outputs = device.Call([before]);
            state = outputs[0];

            // From the third call on the input lies where an output goes: its view is stale, and what it held was read before.
            Assert.Equal(call > 2, before.IsStale);
            Assert.Equal([call + 1f, call + 2f, call + 3f, call + 4f], device.Floats(state));
            Assert.Equal([call * 10f, (call + 1) * 10f, (call + 2) * 10f, (call + 3) * 10f], device.Floats(outputs[1]));
        }

        Assert.Empty(bench.Driver.Reports);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_set_that_another_shape_replaces_is_lent_again_behind_the_forward_that_reads_it(bool direct)
    {
        for (int seed = 0; seed < 8; seed++)
        {
            using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1) with { Policy = ExecutionPolicy.Deferred, Seed = seed });
            LocalModule module = bench.Open(TinyModels.Scale(2));
            using EnteredMode scope = module.EnablePreAllocatedOutputs();
            using var makes = new DeviceCaller(bench, module, direct);
            using var reads = new DeviceCaller(bench, module, direct);
            makes.Call(Y(1)).Return();
            DeviceTensor made = makes.Call(Y(3));
            DeviceTensor last = reads.Call([made.Part(0, new TensorShape(1, 4))])[0];
            Assert.True(made.IsStale);
            for (int value = 7; value < 11; value++)
            {
                makes.Upload(Y(value));
            }

            Assert.Equal([12f, 12, 12, 12], reads.Floats(last));
            Assert.Empty(bench.Driver.Reports);
        }
    }

    [Fact]
    public void The_view_of_the_set_is_no_input_that_is_written_in_place()
    {
        using var bench = new Workbench();
        bench.Folder.Write(
            "step.onnx",
            new TinyOnnx()
                .Input("state", TinyOnnx.Element.Float, 4)
                .Output("updated", TinyOnnx.Element.Float, 4)
                .Constant("one", [1f], 1)
                .Node("Add", ["state", "one"], ["updated"])
        );
        bench.Folder.Write("scale.onnx", TinyModels.Scale(2, "x", "y"));
        LocalModule module = bench.Open(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "state", "dtype": "FP32", "shape": [4] }, { "name": "x", "dtype": "FP32", "shape": [1, 4] }],
                  "outputs": [{ "name": "y", "dtype": "FP32", "shape": [1, 4] }],
                  "segments": [
                    { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "step.onnx", "inputs": ["state"], "outputs": ["updated"],
                      "aliases": [{ "output": "updated", "input": "state" }] },
                    { "name": "_run_on_acc_1", "backend": "onnxruntime", "file": "scale.onnx", "unownedOutputs": false, "inputs": ["x"], "outputs": ["y"] }] }
                """
            )
        );
        using EnteredMode scope = module.EnablePreAllocatedOutputs();
        using var device = new DeviceCaller(bench, module);
        DeviceTensor state = device.Upload(Workbench.Floats("state", [4], 0, 0, 0, 0)),
            x = device.Upload(X(3));
        device.Call([state, x]);
        DeviceTensor y = device.Call([state, x])[0];
        ForwardException refused = Assert.Throws<ForwardException>(() => device.Call([y.Part(0, new TensorShape(4)), x]));
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
        Assert.Contains("lies where this forward's pre-allocated outputs go", refused.Message, StringComparison.Ordinal);
        Assert.False(y.IsStale);
        Assert.Equal([2f, 2, 2, 2], device.Floats(state));
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
