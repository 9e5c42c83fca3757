using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
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

public sealed class InputMemoryTests
{
    [Fact, Trait("row", "IN-01")]
    public void Scalars_pairs_and_host_tensors_are_taken()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(
            new TinyOnnx()
                .Input("a", TinyOnnx.Element.Int64)
                .Input("b", TinyOnnx.Element.Int64, 3, 1)
                .Output("y", TinyOnnx.Element.Int64, 3, 1)
                .Node("Mul", ["a", "b"], ["y"])
        );
        Assert.Equal([7, 14, 21], Workbench.Longs(module.Forward(Workbench.Longs("a", [], 7), Workbench.Longs("b", [3, 1], 1, 2, 3))[0]));
    }

    [Theory, Trait("row", "IN-03"), Trait("row", "IN-04")]
    [InlineData(CudaGraphsMode.Off)]
    [InlineData(CudaGraphsMode.PerSegment)]
    public void Empty_inputs_in_either_place_are_right_and_cost_no_memory_over_many_runs(CudaGraphsMode graphs)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(
            new TinyOnnx()
                .Input("a", TinyOnnx.Element.Float, "n", 4)
                .Input("b", TinyOnnx.Element.Float, "m", 4)
                .Output("y", TinyOnnx.Element.Float, "k", 4)
                .Node("Concat", ["a", "b"], ["y"], ("axis", 0))
        );
        var settings = new ModeSettings { CudaGraphs = graphs };
        Tensor none = Workbench.Floats("a", [0, 4]),
            one = Workbench.Floats("b", [1, 4], 1, 2, 3, 4);
        for (int run = 0; run < 3; run++)
        {
            Assert.Equal([1, 2, 3, 4], Workbench.Floats(Workbench.Forward(instance, settings, none, one)[0]));
            Assert.Equal(
                [1, 2, 3, 4],
                Workbench.Floats(Workbench.Forward(instance, settings, one with { Name = "a" }, none with { Name = "b" })[0])
            );
            Assert.Equal(new TensorShape(0, 4), Workbench.Forward(instance, settings, none, none with { Name = "b" })[0].Shape);
        }

        long before = bench.Driver.Snapshot(0).BytesInUse;
        for (int run = 0; run < 1000; run++)
        {
            Workbench.Forward(instance, settings, none, one);
        }

        Assert.Equal(before, bench.Driver.Snapshot(0).BytesInUse);
    }

    [Fact]
    public void A_view_that_was_given_back_is_refused()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using var device = new DeviceCaller(bench, module);
        DeviceTensor x = device.Upload(Workbench.Floats("x", [1, 4], 1, 2, 3, 4));
        x.Return();
        Assert.Throws<ObjectDisposedException>(() => device.Call([x]));
    }

    [Theory, Trait("row", "IN-06")]
    [InlineData(CudaGraphsMode.Off, false, false)]
    [InlineData(CudaGraphsMode.PerSegment, false, false)]
    [InlineData(CudaGraphsMode.PerSegment, true, false)]
    [InlineData(CudaGraphsMode.Off, false, true)]
    public void A_part_of_a_larger_tensor_that_is_not_aligned_goes_through_a_buffer_that_is(
        CudaGraphsMode graphs,
        bool preAllocated,
        bool allocator
    )
    {
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1) with { Policy = ExecutionPolicy.Deferred, Seed = 6 });
        LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder));
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
        for (int run = 0; run < 4; run++)
        {
            DeviceTensor batch = device.Upload(Workbench.Floats("x", [4, 4], [.. Enumerable.Range(run, 16).Select(value => (float)value)]));
            DeviceTensor row = batch.Part((ulong)(run % 4) * 16, new TensorShape(1, 4));
            Assert.Equal(run % 4 == 0, row.Pointer.Address % 256 == 0);
            DeviceTensor result = device.Call([row])[0];
            batch.Return();
            Assert.Equal([.. Enumerable.Range(run + (run % 4 * 4), 4).Select(value => 2f * value)], device.Floats(result));
            result.Return();
        }

        Assert.Equal(graphs == CudaGraphsMode.Off ? 0 : 1, module.Counts.Captures);
    }

    [Fact, Trait("row", "IN-06"), Trait("row", "AL-09")]
    public void A_part_that_is_written_in_place_is_refused_unless_it_is_aligned()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Cache(bench.Folder));
        using var device = new DeviceCaller(bench, module);
        DeviceTensor caches = device.Upload(Workbench.Floats("cache", [3, 64], new float[192])),
            x = device.Upload(Workbench.Floats("x", [1], 2));
        Assert.Contains(
            "a copy would lose the write",
            Assert.Throws<ForwardException>(() => device.Call([caches.Part(4, new TensorShape(64)), x])).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<ArgumentOutOfRangeException>(() => caches.Part(520, new TensorShape(64)));
        DeviceTensor second = caches.Part(256, new TensorShape(64));
        Assert.Equal(128, device.Floats(device.Call([second, x])[0])[0]);
        Assert.Equal([.. Enumerable.Repeat(0f, 64), .. Enumerable.Repeat(2f, 64), .. Enumerable.Repeat(0f, 64)], device.Floats(caches));
    }

    [Theory, Trait("row", "AL-01")]
    [InlineData(1)]
    [InlineData(2)]
    public void Caches_are_written_in_place_and_the_result_matches(int caches)
    {
        using var bench = new Workbench();
        TinyOnnx net = new TinyOnnx().Input("x", TinyOnnx.Element.Float, 4);
        for (int cache = 0; cache < caches; cache++)
        {
            net.Input($"c{cache}", TinyOnnx.Element.Float, 4);
        }

        net.Output("y", TinyOnnx.Element.Float, 4).Constant("seven", [7f], 1).Node("Add", ["x", "seven"], ["y"]);
        for (int cache = 0; cache < caches; cache++)
        {
            net.Output($"u{cache}", TinyOnnx.Element.Float, 4).Node("Add", [$"c{cache}", "seven"], [$"u{cache}"]);
        }

        bench.Folder.Write("net.onnx", net);
        string aliases = string.Join(
            ',',
            Enumerable.Range(0, caches).Select(cache => $$"""{ "output": "u{{cache}}", "input": "c{{cache}}" }""")
        );
        string all = string.Concat(
            Enumerable.Range(0, caches).Select(cache => $$""", { "name": "c{{cache}}", "dtype": "FP32", "shape": [4] }""")
        );
        string names = string.Concat(Enumerable.Range(0, caches).Select(cache => $", \"c{cache}\"")),
            updated = string.Concat(Enumerable.Range(0, caches).Select(cache => $", \"u{cache}\""));
        bench.Folder.Write("engine.json", $$"""{ "onnx": "net.onnx", "aliases": [{{aliases}}] }""");
        LocalModule module = bench.Open(
            bench.Folder.Write(
                "module.json",
                $$"""
                { "inputs": [{ "name": "x", "dtype": "FP32", "shape": [4] }{{all}}], "outputs": [{ "name": "y", "dtype": "FP32", "shape": [4] }, { "name": "u0", "dtype": "FP32", "shape": [4] }],
                  "segments": [{ "name": "_run_on_acc_0", "backend": "emulated", "file": "engine.json", "inputs": ["x"{{names}}], "outputs": ["y"{{updated}}] }] }
                """
            )
        );
        using var device = new DeviceCaller(bench, module);
        DeviceTensor[] inputs =
        [
            device.Upload(Workbench.Floats("x", [4], 1, 1, 1, 1)),
            .. Enumerable.Range(0, caches).Select(cache => device.Upload(Workbench.Floats($"c{cache}", [4], 0, 0, 0, cache))),
        ];
        DeviceTensor[] results = device.Call(inputs);
        Assert.Equal([8, 8, 8, 8], device.Floats(results[0]));
        Assert.Equal(inputs[1].Pointer, results[1].Pointer);
        for (int cache = 0; cache < caches; cache++)
        {
            Assert.Equal([7, 7, 7, 7 + cache], device.Floats(inputs[1 + cache]));
        }
    }
}
