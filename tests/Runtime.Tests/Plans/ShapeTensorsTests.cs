using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Plans;

/// <summary>Values that decide shapes: read where they are, and never trusted.</summary>
public sealed class ShapeTensorsTests
{
    [Fact]
    public void Values_that_come_from_the_host_are_not_read_back_from_the_device()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(EmulatedModels.Expanded(bench.Folder));
        for (int rows = 1; rows < 6; rows++)
        {
            EmulatedDeviceSnapshot before = bench.Driver.Snapshot(0);
            Tensor y = Workbench.Forward(instance, X(), Size(rows, 4))[0];
            Assert.Equal(new TensorShape(rows, 4), y.Shape);
            Assert.Equal(1, bench.Driver.Snapshot(0).CopiesToHost - before.CopiesToHost);
        }
    }

    [Theory]
    [InlineData(-5, 4)]
    [InlineData(-1, 4)]
    [InlineData(long.MinValue, 4)]
    [InlineData(long.MaxValue, 4)]
    [InlineData(1L << 62, 4)]
    public void Values_that_make_no_shape_are_refused_and_the_next_forward_runs(long rows, long columns)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(EmulatedModels.Expanded(bench.Folder));
        ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, X(), Size(rows, columns)));
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
        Assert.Equal(new TensorShape(2, 4), Workbench.Forward(instance, X(), Size(2, 4))[0].Shape);
    }

    [Fact]
    public void Values_outside_every_profile_are_refused_with_their_values()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(EmulatedModels.ExpandedWithProfiles(bench.Folder));
        ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, X(), Size(-9, 4)));
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
        Assert.Equal(new TensorShape(2, 4), Workbench.Forward(instance, X(), Size(2, 4))[0].Shape);
    }

    private static Tensor X() => Workbench.Floats("x", [1, 4], 1, 2, 3, 4);

    private static Tensor Size(params long[] values) => Workbench.Longs("size", [values.Length], values);
}
