using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Memory;

/// <summary>How much page-locked memory a lane keeps between forwards.</summary>
public sealed class HostStagingTests
{
    private const ulong Mebi = 1UL << 20;

    [Theory]
    [InlineData(new ulong[] { 64 }, new ulong[] { 64 })]
    [InlineData(new ulong[] { 65, 1 }, new ulong[] { 0, 1 })]
    [InlineData(new ulong[] { 65, 65, 65 }, new ulong[] { 0, 65, 65 })]
    [InlineData(new ulong[] { 66, 70, 40, 70 }, new ulong[] { 0, 70, 70, 70 })]
    [InlineData(new ulong[] { 70, 70, 1, 1 }, new ulong[] { 0, 70, 0, 1 })]
    public void A_single_large_forward_leaves_nothing_and_those_that_follow_each_other_keep_what_they_need(ulong[] needed, ulong[] kept)
    {
        using var driver = new EmulatedCudaDriver(new EmulatedDriverOptions { Strict = false });
        using var context = DeviceContext.Retain(driver, 0);
        using var staging = new HostStaging(context);
        Assert.Equal(
            kept,
            needed.Select(bytes =>
            {
                staging.Ensure(bytes * Mebi);
                staging.Trim();
                return staging.Bytes / Mebi;
            })
        );
    }

    [Fact]
    public void A_lane_that_is_given_back_keeps_no_staging_of_a_single_large_output()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Stretched(), lanes: 1);
        Assert.Equal([1L, 1L, 0L, 0L, 1L], new[] { 65, 65, 65, 1, 65 }.Select(size => PinnedBy(bench, instance, size)));
    }

    /// <summary>Allocations of page-locked memory for an output of so many mebibytes, where that of the inputs was made before.</summary>
    private static long PinnedBy(Workbench bench, ModuleInstance instance, int mebibytes)
    {
        if (bench.Driver.Snapshot(0).PinnedAllocations == 0)
        {
            Forward(instance, 1);
        }

        long before = bench.Driver.Snapshot(0).PinnedAllocations;
        Forward(instance, mebibytes * (long)Mebi / 4);
        return bench.Driver.Snapshot(0).PinnedAllocations - before;
    }

    private static void Forward(ModuleInstance instance, long elements) =>
        Workbench.Forward(
            instance,
            Workbench.Floats("x", [1], 5),
            new Tensor("shape", ElementType.Int64, new TensorShape(1), BitConverter.GetBytes(elements))
        );
}
