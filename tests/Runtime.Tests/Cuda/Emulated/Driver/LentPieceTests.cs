using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Tests.Memory;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Driver;

/// <summary>The emulated driver holds work to the blocks that are lent as to allocations of their own.</summary>
public sealed class LentPieceTests
{
    [Theory]
    [InlineData(nameof(ExecutionPolicy.Inline))]
    [InlineData(nameof(ExecutionPolicy.Deferred))]
    [InlineData(nameof(ExecutionPolicy.Timed))]
    public void A_block_that_is_used_after_it_came_back_fails_the_device(string policy)
    {
        using MemoryStage stage = With(Enum.Parse<ExecutionPolicy>(policy));
        DeviceBlock block = stage.Rent(64, stage.Streams[0]);
        DeviceBlock beside = stage.Rent(64, stage.Streams[0]);
        block.Return(block.Generation);
        stage.Streams[0].Fill(block.Pointer, 1, 64);
        Assert.Equal(CuResult.IllegalAddress, Outcome(stage));
        Assert.Contains(stage.Driver.Reports, line => line.Contains("fill of 64 bytes", StringComparison.Ordinal));
        beside.Return(beside.Generation);
    }

    [Theory]
    [InlineData(nameof(ExecutionPolicy.Inline))]
    [InlineData(nameof(ExecutionPolicy.Deferred))]
    [InlineData(nameof(ExecutionPolicy.Timed))]
    public void Work_that_leaves_its_block_fails_the_device_though_the_allocation_goes_on(string policy)
    {
        using MemoryStage stage = With(Enum.Parse<ExecutionPolicy>(policy));
        DeviceBlock whole = stage.Rent(2048, stage.Streams[0]);
        whole.Return(whole.Generation);
        DeviceBlock block = stage.Rent(100, stage.Streams[0]);
        Assert.Equal(whole.Pointer, block.Pointer);
        stage.Streams[0].Fill(block.Pointer, 1, 101);
        Assert.Equal(CuResult.IllegalAddress, Outcome(stage));
    }

    [Theory]
    [InlineData(nameof(ExecutionPolicy.Deferred))]
    [InlineData(nameof(ExecutionPolicy.Timed))]
    public void A_block_lent_without_an_order_behind_its_last_use_is_found_in_every_run(string policy)
    {
        using MemoryStage stage = With(Enum.Parse<ExecutionPolicy>(policy));
        DeviceBlock block = stage.Rent(64, stage.Streams[0]);
        DevicePointer at = block.Pointer;
        stage.Streams[0].Fill(at, 1, 64);
        block.Return(block.Generation);
        // As an allocator would that forgets to wait.
        ((IBlockWatcher)stage.Driver).BlockLent(at, 64, stage.Streams[1].Handle);
        Assert.Equal(CuResult.LaunchFailed, Outcome(stage));
        Assert.Contains(stage.Driver.Reports, line => line.Contains("not ordered", StringComparison.Ordinal));
    }

    [Fact]
    public void A_block_that_comes_back_while_another_stream_still_uses_it_is_found()
    {
        using MemoryStage stage = With(ExecutionPolicy.Deferred);
        DeviceBlock block = stage.Rent(64, stage.Streams[0]);
        using (DeviceEvent lent = DeviceEvent.Create(stage.Device))
        {
            lent.Record(stage.Streams[0]);
            stage.Streams[1].WaitFor(lent);
        }

        stage.Streams[1].Fill(block.Pointer, 1, 64);
        block.Return(block.Generation);
        Assert.Equal(CuResult.LaunchFailed, Outcome(stage));
    }

    [Fact]
    public unsafe void A_block_holds_nothing_of_whoever_had_it_before()
    {
        using MemoryStage stage = With(ExecutionPolicy.Inline);
        DeviceBlock block = stage.Rent(64, stage.Streams[0]);
        stage.Streams[0].Fill(block.Pointer, 7, 64);
        block.Return(block.Generation);
        DeviceBlock again = stage.Rent(64, stage.Streams[0]);
        Assert.Equal(block.Pointer, again.Pointer);
        byte[] found = new byte[64];
        fixed (byte* target = found)
        {
            stage.Driver.MemcpyDtoH((nint)target, again.Pointer, 64).ThrowIfFailed();
        }

        Assert.DoesNotContain((byte)7, found);
    }

    [Fact]
    public void Where_nothing_is_checked_nobody_need_tell()
    {
        using var driver = new EmulatedCudaDriver(new EmulatedDriverOptions());
        Assert.False(((IBlockWatcher)driver).IsWatching);
    }

    private static MemoryStage With(ExecutionPolicy policy) => new(new EmulatedDriverOptions { Policy = policy, Strict = true });

    private static CuResult Outcome(MemoryStage stage)
    {
        stage.Driver.StreamSynchronize(stage.Streams[0].Handle);
        return stage.Driver.CtxSynchronize();
    }
}
