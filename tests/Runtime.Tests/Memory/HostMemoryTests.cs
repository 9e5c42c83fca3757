using System.Runtime.CompilerServices;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Tests.Memory;

/// <summary>The pool of host blocks: sizes, bounds, what lies idle, and what was forgotten.</summary>
public sealed class HostMemoryTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Every_length_has_a_block_that_holds_it_and_wastes_at_most_a_fifth() =>
        Gen.Int[0, Array.MaxLength]
            .Sample(
                bytes =>
                {
                    long room = HostBlockSize.Bytes(HostBlockSize.Of(bytes));
                    Assert.InRange(room, bytes, long.MaxValue);
                    Assert.True(bytes <= HostBlockSize.Least || room - bytes <= room / 5, $"{bytes} bytes get {room}.");
                },
                iter: 100_000
            );

    [Fact]
    public void Sizes_rise_and_their_limits_are_their_own()
    {
        for (int size = 0; size < HostBlockSize.Count; size++)
        {
            long bytes = HostBlockSize.Bytes(size);
            Assert.True(size == 0 || bytes > HostBlockSize.Bytes(size - 1));
            Assert.Equal(size, HostBlockSize.Of((int)Math.Min(bytes, Array.MaxLength)));
        }
    }

    [Fact]
    public void What_lies_idle_makes_way_for_blocks_of_other_sizes()
    {
        const int MiB = 1 << 20;
        using HostMemory memory = Open();
        List<TensorLease> leases = [.. Enumerable.Range(0, 200).Select(_ => memory.Lease(MiB))];
        leases.ForEach(lease => lease.Release());
        for (int size = 2; size <= 64; size *= 2)
        {
            leases = [.. Enumerable.Range(0, 200 / size).Select(_ => memory.Lease(size * MiB))];
            Assert.InRange(memory.Snapshot().ReservedBytes, 0, 200L * MiB + HostMemory.Slack);
            leases.ForEach(lease => lease.Release());
        }
    }

    [Fact]
    public void Blocks_that_other_threads_pin_and_free_leave_a_recording_of_global_mode_whole()
    {
        using var stage = new MemoryStage();
        stage.Streams[0].BeginCapture(CuStreamCaptureMode.Global);
        HostMemorySnapshot pinned = default;
        var other = new Thread(() =>
        {
            using HostMemory memory = new(1 << 20, DeviceContext.Retain(stage.Driver, 0), _time);
            memory.Lease(5000).Release();
            pinned = memory.Snapshot();
        });
        other.Start();
        Assert.True(other.Join(TimeSpan.FromSeconds(30)));

        stage.Streams[0].EndCapture().Dispose();
        Assert.Equal(5120, pinned.PinnedBytes);
    }

    [Fact]
    public void A_thread_that_its_caller_made_relaxed_stays_so()
    {
        using var stage = new MemoryStage();
        CuStreamCaptureMode found = default;
        var other = new Thread(() =>
        {
            CuStreamCaptureMode mode = CuStreamCaptureMode.Relaxed;
            stage.Driver.ThreadExchangeStreamCaptureMode(ref mode).ThrowIfFailed();
            stage.Device.Enter().Dispose();
            found = CuStreamCaptureMode.Global;
            stage.Driver.ThreadExchangeStreamCaptureMode(ref found).ThrowIfFailed();
        });
        other.Start();
        Assert.True(other.Join(TimeSpan.FromSeconds(30)));
        Assert.Equal(CuStreamCaptureMode.Relaxed, found);
    }

    [Fact]
    public void A_block_that_came_back_is_lent_again_and_a_stale_lease_of_it_is_an_error()
    {
        using HostMemory memory = Open();
        TensorLease first = memory.Lease(5000);
        Memory<byte> stale = first.Memory;
        ref byte address = ref first.GetSpan()[0];
        first.Release();

        TensorLease second = memory.Lease(5100);

        Assert.True(Unsafe.AreSame(ref address, ref second.GetSpan()[0]));
        Assert.Equal(5100, second.Length);
        Assert.Throws<TensorLeaseException>(() => stale.Span[0]);
        Assert.Equal((5120, 5120, 5120, 1), Bytes(memory));
        second.Release();
        Assert.Equal((5120, 0, 5120, 0), Bytes(memory));
    }

    [Fact]
    public void A_budget_counts_blocks_until_their_last_lease_and_refuses_what_is_beyond_it()
    {
        using HostMemory memory = Open();
        HostBudget budget = new(10_000, "the bodies");
        TensorLease body = memory.Lease(5000, budget);
        TensorLease part = body.Part(0, 10);

        HostMemoryException refusal = Assert.Throws<HostMemoryException>(() => memory.Lease(5000, budget));

        Assert.Equal("the bodies take 5120 of 10000 bytes, and 5120 more are needed; try again when some are done", refusal.Message);
        body.Release();
        Assert.Equal((5120, 1), (budget.Used, budget.Refusals));
        part.Release();
        Assert.Equal(0, budget.Used);
        memory.Lease(5000, budget).Release();
        Assert.Throws<HostMemoryException>(() => memory.Lease(1, new HostBudget(0, "nothing")));
        Assert.Equal(0, memory.Snapshot().Leases);
    }

    [Fact]
    public void Blocks_that_nobody_needed_for_a_while_are_given_back_and_those_in_use_again_and_again_are_not()
    {
        using HostMemory memory = Open();
        TensorLease[] many = [.. Enumerable.Range(0, 40).Select(_ => memory.Lease(1 << 20))];
        Array.ForEach(many, lease => lease.Release());
        Assert.Equal(40L << 20, memory.Snapshot().IdleBytes);

        for (int period = 0; period < 3; period++)
        {
            memory.Lease(1 << 20).Release();
            _time.Advance(HostMemory.Idle);
        }

        Assert.Equal(1L << 20, memory.Snapshot().ReservedBytes);
        _time.Advance(HostMemory.Idle);
        _time.Advance(HostMemory.Idle);
        Assert.Equal((0, 0, 40L << 20, 0), Bytes(memory));
    }

    [Fact]
    public void At_its_limit_idle_blocks_of_other_sizes_make_room_and_lent_ones_do_not()
    {
        using HostMemory memory = Open(limit: 3 << 20);
        TensorLease kept = memory.Lease(1 << 20);
        memory.Lease(1 << 20).Release();

        TensorLease other = memory.Lease(2 << 20);

        Assert.Throws<HostMemoryException>(() => memory.Lease(1 << 20));
        Assert.Equal(3L << 20, memory.Snapshot().ReservedBytes);
        kept.Release();
        other.Release();
        memory.Lease(3 << 20).Release();
    }

    [Fact]
    public void What_was_forgotten_is_counted_and_taken_back_by_the_pool_and_the_finalizer_calls_no_driver()
    {
        using EmulatedCudaDriver driver = new(EmulatedDriverOptions.WithDevices(1));
        using HostMemory memory = Open(pinnedBy: DeviceContext.Retain(driver, 0));
        Forget(memory);
        Assert.Equal(4096, memory.Snapshot().PinnedUsedBytes);
        EmulatedDeviceSnapshot before = driver.Snapshot(0);

        GC.Collect();
        GC.WaitForPendingFinalizers();

        Assert.Equal(before, driver.Snapshot(0));
        HostMemorySnapshot after = memory.Snapshot();
        Assert.Equal((0, 1, 0, 0), (after.Leases, after.Forgotten, after.UsedBytes, after.PinnedUsedBytes));
        memory.Lease(10).Release();
        Assert.Equal(4096, memory.Snapshot().PinnedBytes);
        _time.Advance(HostMemory.Idle);
        _time.Advance(HostMemory.Idle);
        Assert.Equal(0, memory.Snapshot().PinnedBytes);
    }

    [Fact]
    public void A_lease_may_outlive_its_pool_whose_memory_goes_with_the_last()
    {
        HostMemory memory = Open();
        TensorLease lease = memory.Lease(10);

        memory.Dispose();

        lease.GetSpan()[9] = 1;
        Assert.Throws<ObjectDisposedException>(() => memory.Lease(1));
        lease.Release();
        Assert.Equal((0, 0, 4096, 0), Bytes(memory));
    }

    [Fact]
    public void What_is_forgotten_goes_when_its_pool_is_closed_already()
    {
        HostMemory memory = Open();
        Forget(memory);
        memory.Dispose();

        GC.Collect();
        GC.WaitForPendingFinalizers();

        Assert.True(SpinWait.SpinUntil(() => Interlocked.Read(ref Reserved(memory)) == 0, TimeSpan.FromSeconds(10)));

        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_reserved")]
        static extern ref long Reserved(HostMemory memory);
    }

    [Fact]
    public void At_most_half_of_what_it_may_hold_is_page_locked_and_all_of_it_is_lent()
    {
        using EmulatedCudaDriver driver = new(EmulatedDriverOptions.WithDevices(1));
        using HostMemory memory = Open(limit: 4 << 20, pinnedBy: DeviceContext.Retain(driver, 0));
        TensorLease[] all = [.. Enumerable.Range(0, 4).Select(_ => memory.Lease(1 << 20))];
        Assert.Equal((4L << 20, 2L << 20), (memory.Snapshot().UsedBytes, memory.Snapshot().PinnedBytes));
        Array.ForEach(all, lease => lease.Release());
    }

    private HostMemory Open(long limit = 1L << 40, DeviceContext? pinnedBy = null) => new(limit, pinnedBy, _time);

    private static (long Reserved, long Used, long HighWater, long Leases) Bytes(HostMemory memory)
    {
        HostMemorySnapshot now = memory.Snapshot();
        return (now.ReservedBytes, now.UsedBytes, now.HighWaterBytes, now.Leases);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(HostMemory memory) => Assert.Equal(10, memory.Lease(10).Length);
}
