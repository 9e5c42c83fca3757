using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Memory;

/// <summary>Wherever memory runs out it is said as that, and memory is where it was.</summary>
public sealed class ShortageTests
{
    private const long KiB = 1 << 10;

    private static TinyOnnx Relu =>
        new TinyOnnx().Input("x", TinyOnnx.Element.Float, "n").Output("y", TinyOnnx.Element.Float, "n").Node("Relu", ["x"], ["y"]);

    [Fact]
    public void At_a_load_the_weights_are_named_and_the_device_is_as_it_was()
    {
        using Workbench bench = With(64 * KiB);
        TinyOnnx heavy = new TinyOnnx()
            .Input("x", TinyOnnx.Element.Float, 20_000)
            .Output("y", TinyOnnx.Element.Float, 20_000)
            .Constant("w", new float[20_000], 20_000)
            .Node("Add", ["x", "w"], ["y"]);
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(heavy));
        Assert.Equal(FailureKind.OutOfDeviceMemory, refused.Kind);
        Assert.Contains("The weights of", refused.Message, StringComparison.Ordinal);
        Assert.Contains("bytes; device 0 has 65536 of 65536 free.", refused.Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (Used(bench), bench.Driver.Snapshot(0).BytesInUse));
        Assert.Empty(bench.Driver.Alive());
    }

    [Theory]
    [InlineData("", "The buffers of an execution context of")]
    [InlineData(""", "workspaceBytes": 65536""", "The tensors of a forward")]
    public void At_a_context_the_forward_is_refused_and_smaller_ones_go_on(string more, string named)
    {
        // The first needs twice the input and twice the output, the second besides a workspace.
        using Workbench bench = With(more.Length == 0 ? 3 * KiB / 2 : 16 * KiB);
        ModuleInstance instance = bench.Load(bench.Folder.Write("net.plan", PackedEngines.Scale(2, more: more)));
        long loaded = Used(bench);
        Tensor[] inputs = [Workbench.Floats("x", [1, 4], 1, 2, 3, 4)];
        for (int round = 0; round < 3; round++)
        {
            ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, inputs));
            Assert.Equal(FailureKind.OutOfDeviceMemory, refused.Kind);
            Assert.StartsWith(named, refused.Message, StringComparison.Ordinal);
            instance.HomePool.Holder!.GiveBackMemory();
            Assert.Equal(loaded, Used(bench));
        }
    }

    [Fact]
    public void At_the_first_forward_and_at_a_larger_shape_the_lane_is_as_before()
    {
        using Workbench bench = With(64 * KiB);
        ModuleInstance instance = bench.Load(Relu);
        long loaded = Used(bench);
        for (int round = 0; round < 3; round++)
        {
            ForwardException first = Assert.Throws<ForwardException>(() => Forward(instance, 20_000));
            Assert.Equal(FailureKind.OutOfDeviceMemory, first.Kind);
            Assert.Equal("The tensors of a forward take 80000 bytes; device 0 has 65024 of 65536 free.", first.Message);
            Assert.Equal(loaded, Used(bench));
        }

        Forward(instance, 1000);
        ForwardException larger = Assert.Throws<ForwardException>(() => Forward(instance, 5_000));
        Assert.Equal(FailureKind.OutOfDeviceMemory, larger.Kind);
        Forward(instance, 1000);
        instance.HomePool.Holder!.GiveBackMemory();
        Assert.Equal(loaded, Used(bench));
    }

    private static Workbench With(long bytes) =>
        new(new EmulatedDriverOptions { Devices = [new EmulatedDeviceOptions { MemoryBytes = (ulong)bytes }] });

    private static long Used(Workbench bench) => bench.Platform.Memory.CountsOf(0).Used;

    private static void Forward(ModuleInstance instance, int size)
    {
        float[] values = Workbench.Floats(Workbench.Forward(instance, Workbench.Floats("x", [size], new float[size]))[0]);
        Assert.Equal(size, values.Length);
    }
}
