using Troupe.Messages.Failures;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Cuda;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Memory;

/// <summary>How much of a device is taken at most, and in how many pieces.</summary>
public sealed class MemoryBudgetTests
{
    private static EmulatedDriverOptions Small => new() { Devices = [new EmulatedDeviceOptions { MemoryBytes = 1 << 20 }] };

    [Theory]
    [InlineData(0, "A memory budget of 0 bytes does not suit device 0; write 1 to 1048576, which is what it has.")]
    [InlineData(-1, "A memory budget of -1 bytes does not suit device 0; write 1 to 1048576, which is what it has.")]
    [InlineData((1 << 20) + 1, "A memory budget of 1048577 bytes does not suit device 0; write 1 to 1048576, which is what it has.")]
    public void A_budget_that_does_not_suit_the_device_is_refused(long bytes, string text)
    {
        using var bench = new Workbench(Small);
        ForwardException refused = Assert.Throws<ForwardException>(() =>
            bench.Platform.UseMemory(new DeviceMemoryOptions { BudgetBytes = bytes })
        );
        Assert.Equal((FailureKind.InvalidRequest, text), (refused.Kind, refused.Message));
    }

    [Fact]
    public void A_budget_does_not_change_while_it_is_in_use()
    {
        using var bench = new Workbench(Small);
        var half = new DeviceMemoryOptions { BudgetBytes = 1 << 19 };
        using (bench.Platform.Memory.Open(0))
        {
            Assert.Equal(
                "The memory budget of device 0 is in use and cannot change; unload its models first.",
                Assert.Throws<ForwardException>(() => bench.Platform.UseMemory(half)).Message
            );
        }

        bench.Platform.UseMemory(half);
        Assert.Equal(1 << 19, bench.Platform.Memory.CountsOf(0).Budget);
    }

    [Fact]
    public void What_is_beyond_the_budget_is_refused_though_the_device_has_it()
    {
        using var bench = new Workbench(Small);
        bench.Platform.UseMemory(new DeviceMemoryOptions { BudgetBytes = 1 << 19 });
        using BlockPool pool = bench.Platform.Memory.Open(0);
        pool.Reserve(1 << 18, "Half of it");
        ForwardException refused = Assert.Throws<ForwardException>(() => pool.Reserve((1 << 18) + 1, "The rest and a byte"));
        Assert.Equal(
            (FailureKind.OutOfDeviceMemory, "The rest and a byte take 262145 bytes; device 0 has 262144 of 524288 free."),
            (refused.Kind, refused.Message)
        );
        pool.Reserve(1 << 18, "The rest");
    }

    [Fact]
    public void Separate_blocks_are_allocations_of_their_own_and_are_freed_when_they_come_back()
    {
        using var bench = new Workbench();
        bench.Platform.UseMemory(new DeviceMemoryOptions { SeparateBlocks = true });
        using BlockPool pool = bench.Platform.Memory.Open(0);
        EmulatedDeviceSnapshot before = bench.Driver.Snapshot(0);
        DeviceBlock[] blocks = [pool.Reserve(100, "One"), pool.Reserve(100, "Another")];
        Assert.Equal(2, (bench.Driver.Snapshot(0) - before).Allocations);
        Array.ForEach(blocks, block => block.Return(block.Generation));
        MemoryCounts after = bench.Platform.Memory.CountsOf(0);
        Assert.Equal((2, 0, 0), ((bench.Driver.Snapshot(0) - before).Frees, after.Used, after.Reserved));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Whether_blocks_are_separate_is_settled_when_a_device_comes_into_use(bool separate)
    {
        using var bench = new Workbench();
        bench.Platform.UseMemory(new DeviceMemoryOptions { SeparateBlocks = !separate });
        bench.Platform.Memory.Open(0).Dispose();
        bench.Platform.UseMemory(new DeviceMemoryOptions { SeparateBlocks = separate });
        using BlockPool pool = bench.Platform.Memory.Open(0);
        DeviceBlock block = pool.Reserve(100, "One");
        block.Return(block.Generation);
        Assert.Equal(separate, bench.Platform.Memory.CountsOf(0).Reserved == 0);
    }

    [Fact]
    public void Counts_do_not_wait_for_a_device_that_is_being_opened()
    {
        CountingDriver? counting = null;
        using var bench = new Workbench(wrap: driver => counting = new CountingDriver(driver));
        DeviceAllocators memory = bench.Platform.Memory;
        memory.Open(0).Dispose();
        bool counted = false;
        counting!.OnCall = call =>
        {
            if (call == nameof(ICudaDriver.DevicePrimaryCtxRetain))
            {
                var other = new Thread(() => memory.CountsOf(0));
                other.Start();
                counted = other.Join(TimeSpan.FromSeconds(10));
            }
        };
        memory.Open(0).Dispose();
        Assert.True(counted);
    }

    [Fact]
    public void What_others_take_of_a_device_is_foreign()
    {
        using var bench = new Workbench();
        using IDeviceGroup group = bench.Platform.OpenGroup(0);
        using BlockPool pool = bench.Platform.Memory.Open(0);
        pool.Reserve(1000, "Something of ours");
        using DeviceContext device = DeviceContext.Retain(bench.Driver, 0);
        using (device.Enter())
        {
            using DeviceBuffer theirs = DeviceBuffer.Allocate(device, 4096);
            MemoryCounts counts = group.Memory(0).Counts;
            Assert.Equal((1024, 1024, 4096), (counts.Reserved, counts.Used, counts.Foreign));
        }
    }
}
