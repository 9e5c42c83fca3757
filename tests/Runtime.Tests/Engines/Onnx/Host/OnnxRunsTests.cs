using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Engines.Onnx.Host;

/// <summary>What the runs of a context keep for shapes that come again.</summary>
public sealed class OnnxRunsTests
{
    /// <summary>Of the smallest block.</summary>
    private const long Block = 512;

    [Fact]
    public void Buffers_of_eight_shapes_are_kept_and_the_oldest_go()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(Relu, lanes: 1);
        for (int size = 1; size <= 12; size++)
        {
            Forward(instance, size);

            // The weights, the input, and a block per combination of shapes.
            Assert.Equal((2 + Math.Min(size, 8)) * Block, instance.HomePool.Bytes);
        }
    }

    [Fact]
    public void Buffers_of_former_shapes_take_a_sixteenth_of_the_device_at_most()
    {
        using var bench = new Workbench(new EmulatedDriverOptions { Devices = [new EmulatedDeviceOptions { MemoryBytes = 1024 * Block }] });
        ModuleInstance instance = bench.Load(Relu, lanes: 1);
        for (int step = 1; step <= 8; step++)
        {
            // An input and an output of 20 blocks each, and a little.
            Forward(instance, (int)(20 * Block / 4) + step);
            Assert.InRange(instance.HomePool.Bytes / Block, 1 + 21 + 41, 1 + 21 + (2 * 42));
        }
    }

    private static TinyOnnx Relu =>
        new TinyOnnx().Input("x", TinyOnnx.Element.Float, "n").Output("y", TinyOnnx.Element.Float, "n").Node("Relu", ["x"], ["y"]);

    private static void Forward(ModuleInstance instance, int size) =>
        Assert.Equal(size, Workbench.Floats(Workbench.Forward(instance, Workbench.Floats("x", [size], new float[size]))[0]).Length);
}
