using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>What a forward may bring back to the host (<see cref="HostOutputs"/>): refused before the launch where sizes are known, failed
/// after it where not, and the lane goes on.</summary>
public sealed class OutputLimitTests
{
    [Fact]
    public void Outputs_that_exceed_the_limit_together_are_refused_before_anything_is_launched()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Table(), maxOutput: 1000);
        Workbench.Forward(instance, Row(4), Column(4));
        EmulatedDeviceSnapshot before = bench.Driver.Snapshot(0);
        int lent = instance.HomePool.Lent;

        ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, Row(25), Column(10)));

        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
        Assert.Equal(
            "The outputs that are wanted take 1004 bytes together; at most 1000 come back (max-output). Nothing was run.",
            refused.Message
        );
        Assert.Equal((0, lent), (bench.Driver.Snapshot(0).Launches - before.Launches, instance.HomePool.Lent));
        Assert.Equal(996 / 4, Workbench.Floats(Workbench.Forward(instance, Row(3), Column(83))[0]).Length);
    }

    [Fact]
    public void Outputs_that_are_not_asked_for_do_not_count()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Table(), maxOutput: 4);
        Assert.True(instance.TryLease(out ILane lane));
        using (lane)
        {
            lane.Submit([new LaneForward([Row(100), Column(100)], ["total"])], new(), () => { });
            Assert.Equal(LaneStatus.Succeeded, lane.Poll(0));
            Tensor total = Assert.Single(lane.TakeOutputs(0));
            Assert.Equal([10_000f], Workbench.Floats(total));
        }
    }

    [Fact]
    public void An_output_larger_than_an_array_is_refused_whatever_the_limit()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Table());

        ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, Row(8192), Column(65_536)));

        Assert.Equal(
            (
                FailureKind.InvalidInput,
                "The output 'table' takes 2147483648 bytes; one that comes back to the host has at most 2147483591. Nothing was run."
            ),
            (refused.Kind, refused.Message)
        );
        Assert.Equal([1f], Workbench.Floats(Workbench.Forward(instance, Row(1), Column(1))[0]));
    }

    [Fact]
    public void An_output_whose_size_the_run_tells_fails_and_its_memory_is_given_back()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Stretched(), maxOutput: 1000);
        Workbench.Forward(instance, X(), Shape(5));
        int lent = instance.HomePool.Lent;
        for (int round = 0; round < 3; round++)
        {
            ForwardException failed = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, X(), Shape(300)));
            Assert.Equal(
                (FailureKind.BackendFailed, "The outputs that are wanted take 1200 bytes together; at most 1000 come back (max-output)."),
                (failed.Kind, failed.Message)
            );
            Assert.Equal(lent, instance.HomePool.Lent);
        }

        Assert.Equal(250, Workbench.Floats(Workbench.Forward(instance, X(), Shape(250))[0]).Length);
    }

    [Theory]
    [InlineData(new long[] { 1, 1, 1, 1, 1, 1, 1, 1, 2 }, "has rank 9; at most 8 is possible")]
    [InlineData(new long[] { -7 }, "failed while it ran")]
    [InlineData(new long[] { 1L << 40 }, "")]
    [InlineData(new long[] { 1L << 40, 1L << 40 }, "")]
    public void A_shape_that_no_output_can_have_fails_that_forward_alone(long[] shape, string why)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Stretched());

        ForwardException failed = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, X(), Shape(shape)));

        Assert.Contains(why, failed.Message, StringComparison.Ordinal);
        Assert.Equal(3, Workbench.Floats(Workbench.Forward(instance, X(), Shape(3))[0]).Length);
    }

    [Theory]
    [InlineData(1L << 20)]
    [InlineData(1L << 40)]
    [InlineData(long.MaxValue)]
    public void An_input_whose_shape_says_more_than_it_holds_is_refused(long rows)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2));
        var lying = new Tensor("x", ElementType.Fp32, new TensorShape(rows, 4), new byte[16]);
        ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, lying));
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
        Assert.Contains("holds 16 bytes", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Inputs_and_outputs_above_two_gibibytes_together_pass_through_staging()
    {
        const ulong far = (1UL << 31) + (1UL << 20);
        using var driver = new EmulatedCudaDriver(new EmulatedDriverOptions { Strict = false });
        using var context = Troupe.Runtime.Cuda.DeviceContext.Retain(driver, 0);
        using var staging = new Troupe.Runtime.Memory.HostStaging(context);
        staging.Ensure(far + 64);
        staging.At(far, 64).Fill(7);
        staging.At(0, 64).Fill(3);
        Assert.Equal(
            (7, 3, far),
            (staging.At(far + 63, 1)[0], staging.At(63, 1)[0], (ulong)(staging.AddressAt(far) - staging.AddressAt(0)))
        );
    }

    private static Tensor Row(int n) => Workbench.Floats("a", [n, 1], [.. Enumerable.Repeat(1f, n)]);

    private static Tensor Column(int m) => Workbench.Floats("b", [1, m], [.. Enumerable.Repeat(1f, m)]);

    private static Tensor X() => Workbench.Floats("x", [1], 5);

    private static Tensor Shape(params long[] dimensions) => Workbench.Longs("shape", [dimensions.Length], dimensions);
}
