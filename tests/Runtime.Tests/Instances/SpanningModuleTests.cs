using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Instances;

public sealed class SpanningModuleTests
{
    [Fact]
    public void Segments_on_two_devices_pass_tensors_by_peer_copies_ordered_by_events()
    {
        using var bench = Workbench.WithDevices(3);
        ModuleInstance instance = bench.Load(WriteChain(bench, middleDevice: 1), home: 1);
        Assert.Equal([1, 2], instance.Ordinals);

        for (int round = 0; round < 3; round++)
        {
            Assert.Equal([24, 48], Workbench.Floats(Workbench.Forward(instance, Workbench.Floats("x", [1, 2], 1, 2))[0]));
        }

        Assert.Equal(0, bench.Driver.Snapshot(0).Launches);
        Assert.Equal(6, bench.Driver.Snapshot(1).Launches);
        Assert.Equal(3, bench.Driver.Snapshot(2).Launches);
        Assert.Equal(6, bench.Driver.Snapshot(1).PeerCopies + bench.Driver.Snapshot(2).PeerCopies);
        Assert.Equal(3, instance.Counters.Snapshot().DeviceSwitches);
    }

    [Fact]
    public void A_module_that_reaches_beyond_the_last_device_is_refused_and_leaves_nothing()
    {
        using var bench = Workbench.WithDevices(2);
        string path = WriteChain(bench, middleDevice: 1);
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(path, home: 1));
        Assert.Equal(FailureKind.NotFound, refused.Kind);
        Assert.Contains(
            "'_run_on_gpu_0' runs 1 devices after its home, which is device 1; this machine has 2",
            refused.Message,
            StringComparison.Ordinal
        );
        Assert.Empty(bench.Driver.Alive());
    }

    [Fact]
    public void One_device_runs_a_chain_on_one_stream_without_events_between_segments()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(WriteChain(bench, middleDevice: 0));
        Workbench.Forward(instance, Workbench.Floats("x", [1, 2], 1, 2));
        EmulatedDeviceSnapshot before = bench.Driver.Snapshot(0);
        Assert.Equal([72, 96], Workbench.Floats(Workbench.Forward(instance, Workbench.Floats("x", [1, 2], 3, 4))[0]));
        EmulatedDeviceSnapshot spent = bench.Driver.Snapshot(0) - before;
        Assert.Equal(3, spent.Launches);
        Assert.Equal(0, spent.EventWaits);
        Assert.Equal(0, spent.Allocations);
    }

    [Theory]
    [InlineData(CudaGraphsMode.Off, false, false, false)]
    [InlineData(CudaGraphsMode.Off, false, false, true)]
    [InlineData(CudaGraphsMode.PerSegment, false, false, true)]
    [InlineData(CudaGraphsMode.WholeModule, false, false, false)]
    [InlineData(CudaGraphsMode.WholeModule, true, false, true)]
    [InlineData(CudaGraphsMode.Off, true, false, false)]
    [InlineData(CudaGraphsMode.Off, false, true, false)]
    [InlineData(CudaGraphsMode.Off, false, true, true)]
    public void Outputs_on_another_device_are_right_and_their_memory_is_reused_in_order(
        CudaGraphsMode graphs,
        bool preAllocated,
        bool allocator,
        bool direct
    )
    {
        var modes = new ModeChange
        {
            CudaGraphs = graphs,
            PreAllocatedOutputs = preAllocated,
            OutputAllocator = allocator,
        };
        for (int seed = 1; seed <= 8; seed++)
        {
            using var bench = new Workbench(EmulatedDriverOptions.WithDevices(2) with { Policy = ExecutionPolicy.Deferred, Seed = seed });
            LocalModule module = bench.Open(WriteChain(bench, middleDevice: 0, lastDevice: 1), lanes: 2);
            using EnteredMode scope = module.Modes.Enter([module], modes);
            using DeviceCaller caller = new(bench, module, direct);
            for (int round = 1; round <= 6; round++)
            {
                DeviceTensor input = caller.Upload(Workbench.Floats("x", [1, 2], round, -round));
                DeviceTensor result = caller.Call([input])[0];
                input.Return();
                Assert.Equal(1, result.Ordinal);
                if (round % 2 == 0 || seed % 2 == 0)
                {
                    Assert.Equal([24 * round, -24 * round], caller.Floats(result));
                }

                result.Return();
            }

            Assert.Empty(bench.Driver.Reports);
        }
    }

    private static string WriteChain(Workbench bench, int middleDevice, int lastDevice = 0)
    {
        bench.Folder.Write("a.onnx", TinyModels.Scale(2, "x", "t", 2));
        bench.Folder.Write("b.onnx", TinyModels.Scale(3, "t", "u", 2));
        bench.Folder.Write("c.onnx", TinyModels.Scale(4, "u", "y", 2));
        return bench.Folder.Write(
            "module.json",
            $$"""
            { "version": 1,
              "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 2], "min": [1, 2], "max": [8, 2] }],
              "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 2] }],
              "segments": [
                { "name": "_run_on_acc_1", "backend": "onnxruntime", "file": "c.onnx", "device": {{lastDevice}}, "inputs": ["u"], "outputs": ["y"] },
                { "name": "_run_on_gpu_0", "backend": "onnxruntime", "file": "b.onnx", "device": {{middleDevice}}, "inputs": ["t"], "outputs": ["u"] },
                { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "a.onnx", "inputs": ["x"], "outputs": ["t"] }] }
            """
        );
    }
}
