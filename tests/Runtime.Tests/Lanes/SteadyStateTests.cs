using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>The gate on the hot path: a warm forward at a known shape allocates nothing, neither managed nor on the device.</summary>
public sealed class SteadyStateTests
{
    private const int Warm = 50;
    private const int Measured = 500;

    [Fact]
    public void A_warm_forward_on_device_tensors_allocates_no_managed_byte()
    {
        using var bench = new Workbench(new EmulatedDriverOptions { Strict = false });
        ModuleInstance instance = bench.Load(TinyModels.AddOne());
        Assert.Equal(0, BytesPerForward(bench, instance, ModeSettings.Default, new TensorShape(1, 4)));
    }

    [Fact]
    public void A_warm_chain_of_three_segments_allocates_no_managed_byte()
    {
        using var bench = new Workbench(new EmulatedDriverOptions { Strict = false });
        bench.Folder.Write("a.onnx", TinyModels.Scale(2, "x", "t"));
        bench.Folder.Write("b.onnx", TinyModels.Scale(3, "t", "u"));
        bench.Folder.Write("c.onnx", TinyModels.Scale(4, "u", "y"));
        ModuleInstance instance = bench.Load(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 4] }],
                  "segments": [
                    { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "a.onnx", "inputs": ["x"], "outputs": ["t"] },
                    { "name": "_run_on_gpu_0", "backend": "onnxruntime", "file": "b.onnx", "inputs": ["t"], "outputs": ["u"] },
                    { "name": "_run_on_acc_1", "backend": "onnxruntime", "file": "c.onnx", "inputs": ["u"], "outputs": ["y"] }] }
                """
            )
        );
        Assert.Equal(0, BytesPerForward(bench, instance, ModeSettings.Default, new TensorShape(3, 4)));
    }

    [Theory]
    [InlineData(CudaGraphsMode.PerSegment, false, false)]
    [InlineData(CudaGraphsMode.WholeModule, false, false)]
    [InlineData(CudaGraphsMode.Off, true, false)]
    [InlineData(CudaGraphsMode.PerSegment, true, false)]
    [InlineData(CudaGraphsMode.Off, false, true)]
    public void Under_every_mode_a_warm_forward_allocates_no_managed_byte_and_captures_nothing(
        CudaGraphsMode graphs,
        bool preAllocated,
        bool allocator
    )
    {
        using var bench = new Workbench(new EmulatedDriverOptions { Strict = false });
        ModuleInstance instance = bench.Load(TinyModules.Hybrid(bench.Folder));
        var settings = new ModeSettings
        {
            CudaGraphs = graphs,
            PreAllocatedOutputs = preAllocated,
            OutputAllocator = allocator,
        };
        Assert.Equal(0, BytesPerForward(bench, instance, settings, new TensorShape(3, 4)));
        Assert.Equal(
            graphs switch
            {
                CudaGraphsMode.PerSegment => 3,
                CudaGraphsMode.WholeModule => 1,
                _ => 0,
            },
            instance.Counters.Snapshot().Captures
        );
    }

    /// <summary>Managed bytes of a batch of forwards, the least of several batches; also checks that the device allocated nothing
    /// meanwhile.</summary>
    internal static long BytesPerForward(Workbench bench, ModuleInstance instance, ModeSettings settings, TensorShape shape)
    {
        using HostLane leased = instance.TryLease()!;
        Lane lane = leased.Lane;
        var inputs = new DeviceTensor[]
        {
            new(ElementType.Fp32, shape, instance.HomePool.Rent((ulong)(shape.ElementCount * 4), lane.Home.Stream)),
        };
        var outputs = new DeviceTensor[1];
        for (int round = 0; round < Warm; round++)
        {
            Once(lane, inputs, outputs, settings);
        }

        // What the forwards allocate shows in every batch; what the runtime compiles or collects on this thread meanwhile, in one of them.
        EmulatedDeviceSnapshot device = bench.Driver.Snapshot(0);
        long allocated = long.MaxValue;
        for (int batch = 0; batch < 5 && allocated > 0; batch++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int round = 0; round < Measured; round++)
            {
                Once(lane, inputs, outputs, settings);
            }

            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, (bench.Driver.Snapshot(0) - device).Allocations);
        inputs[0].Return();
        return allocated;
    }

    private static void Once(Lane lane, DeviceTensor[] inputs, DeviceTensor[] outputs, ModeSettings settings)
    {
        lane.Forward(inputs, outputs, settings, CallerStream.None);
        if (!lane.IsIdle())
        {
            throw new InvalidOperationException("The inline policy has run everything by now.");
        }

        outputs[0].Return();
    }
}
