using Troupe.Messages.Failures;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.TestSupport.Cuda;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Memory;

/// <summary>One owner of a device's memory: where a block comes from, behind what, and what is idle; <see cref="Slabs"/> that come and
/// go.</summary>
public sealed class DeviceAllocatorTests
{
    private const ulong MiB = 1 << 20;

    [Theory]
    [InlineData(8 * MiB, 1, 4)]
    [InlineData(8 * MiB, 2, 2)]
    [InlineData(4096, 1, 4)]
    public void A_thousand_random_shapes_leave_little_idle_and_need_no_new_memory_when_they_come_again(ulong largest, int fewest, int most)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            using var stage = new MemoryStage(new EmulatedDriverOptions());
            var random = new Random(seed);
            ulong[][] shapes =
            [
                .. Enumerable
                    .Range(0, 1000)
                    .Select(_ =>
                        Enumerable
                            .Range(0, random.Next(fewest, most + 1))
                            .Select(_ => (ulong)random.NextInt64(1, (long)largest + 1))
                            .ToArray()
                    ),
            ];
            foreach (ulong[] shape in shapes)
            {
                stage.Pass(shape);
            }

            MemoryCounts after = stage.Counts;
            Assert.Equal(0, after.Used);
            Assert.InRange(after.Idle, 1, (long)(1.5 * after.HighWater));
            long before = stage.Allocations;
            foreach (ulong[] shape in shapes)
            {
                stage.Pass(shape);
            }

            Assert.InRange(stage.Allocations - before, 0, 20);
            Assert.InRange(stage.Counts.Idle, 1, (long)(1.5 * after.HighWater));
            before = stage.Allocations;
            ulong[] repeated = shapes[^1];
            for (int round = 0; round < 100; round++)
            {
                stage.Pass(repeated);
            }

            Assert.Equal(before, stage.Allocations);
        }
    }

    [Fact]
    public void A_stream_reuses_its_own_block_and_another_takes_new_memory_rather_than_wait()
    {
        using var stage = new MemoryStage(Deferred);
        DeviceBlock first = stage.Rent(64, stage.Streams[0]);
        DevicePointer at = first.Pointer;
        stage.Streams[0].Fill(at, 1, 64);
        first.Return(first.Generation);
        DeviceBlock other = stage.Rent(64, stage.Streams[1]);
        Assert.NotEqual(at, other.Pointer);
        Assert.Equal(0, stage.Driver.Snapshot(0).EventWaits);
        Assert.Equal(at, stage.Rent(64, stage.Streams[0]).Pointer);
    }

    [Fact]
    public void A_block_whose_last_use_is_over_goes_to_whoever_wants_one()
    {
        using var stage = new MemoryStage(Deferred);
        DeviceBlock first = stage.Rent(64, stage.Streams[0]);
        DevicePointer at = first.Pointer;
        stage.Streams[0].Fill(at, 1, 64);
        first.Return(first.Generation);
        stage.Streams[0].Synchronize();
        DeviceBlock again = stage.Rent(64, stage.Streams[1]);
        Assert.Equal((at, 0L), (again.Pointer, stage.Driver.Snapshot(0).EventWaits));
        stage.Streams[1].Fill(at, 2, 64);
        stage.Streams[1].Synchronize();
        Assert.Empty(stage.Driver.Reports);
    }

    [Fact]
    public void Where_the_budget_is_used_up_a_block_in_flight_is_taken_behind_its_last_use_and_not_behind_what_its_stream_does_next()
    {
        using var stage = new MemoryStage(Timed(512));
        DeviceStream first = stage.Streams[0],
            second = stage.Streams[1];
        DeviceBlock block = stage.Rent(512, first);
        DevicePointer at = block.Pointer;
        stage.Run(first, at, 1);
        block.Return(block.Generation);
        stage.Run(first, default, 5);

        DeviceBlock again = stage.Rent(512, second);
        Assert.Equal(at, again.Pointer);
        stage.Run(second, at, 1);
        second.Synchronize();
        Assert.Equal(TimeSpan.FromMilliseconds(2), stage.Driver.Clock.Elapsed);
        Assert.Empty(stage.Driver.Reports);
    }

    [Fact]
    public void Idle_neighbours_that_each_stream_left_make_up_a_larger_block()
    {
        using var stage = new MemoryStage(Deferred with { Devices = [new EmulatedDeviceOptions { MemoryBytes = 2048 }] });
        DeviceBlock whole = stage.Rent(2048, stage.Streams[0]);
        whole.Return(whole.Generation);
        stage.Streams[0].Synchronize();
        DeviceBlock[] halves = [stage.Rent(1024, stage.Streams[0]), stage.Rent(1024, stage.Streams[1])];
        for (int half = 0; half < 2; half++)
        {
            stage.Streams[half].Fill(halves[half].Pointer, 1, 1024);
            halves[half].Return(halves[half].Generation);
        }

        DeviceBlock again = stage.Rent(2048, stage.Streams[2]);
        stage.Streams[2].Fill(again.Pointer, 2, 2048);
        stage.Streams[2].Synchronize();
        Assert.Empty(stage.Driver.Reports);
        Assert.Equal(1, stage.Allocations);
    }

    [Fact]
    public void What_neighbours_in_flight_leave_over_is_lent_behind_the_last_use_of_the_one_it_lay_in()
    {
        for (int seed = 0; seed < 16; seed++)
        {
            using var stage = new MemoryStage(
                new EmulatedDriverOptions
                {
                    Policy = ExecutionPolicy.Deferred,
                    Seed = seed,
                    Devices = [new EmulatedDeviceOptions { MemoryBytes = 4096 }],
                }
            );
            DeviceBlock whole = stage.Rent(4096, stage.Streams[0]);
            whole.Return(whole.Generation);
            stage.Streams[0].Synchronize();
            DeviceBlock[] halves = [stage.Rent(2048, stage.Streams[0]), stage.Rent(2048, stage.Streams[1])];
            for (int half = 0; half < 2; half++)
            {
                stage.Streams[half].Fill(halves[half].Pointer, 1, 2048);
                halves[half].Return(halves[half].Generation);
            }

            Assert.Equal(3072u, stage.Rent(2048 + 1024, stage.Streams[2]).Bytes);
            DeviceBlock rest = stage.Rent(512, stage.Streams[0]);
            stage.Streams[0].Fill(rest.Pointer, 2, 512);
            stage.Streams[0].Synchronize();
            stage.Streams[1].Synchronize();
            Assert.Empty(stage.Driver.Reports);
            Assert.Equal(1, stage.Allocations);
        }
    }

    [Fact]
    public void What_is_idle_makes_way_before_anything_is_refused()
    {
        using var stage = new MemoryStage(new EmulatedDriverOptions { Devices = [new EmulatedDeviceOptions { MemoryBytes = 4 * MiB }] });
        for (ulong size = MiB / 2; size <= 4 * MiB; size += MiB / 2)
        {
            stage.Pass(size);
        }

        ForwardException refused = Assert.Throws<ForwardException>(() => stage.Rent((4 * MiB) + 1, stage.Streams[0]));
        Assert.Equal(FailureKind.OutOfDeviceMemory, refused.Kind);
        Assert.Contains(
            "The tensors of a forward take 4194305 bytes; device 0 has 4194304 of 4194304 free.",
            refused.Message,
            StringComparison.Ordinal
        );
        stage.Pass(4 * MiB);
    }

    [Fact]
    public void A_block_last_used_on_a_stream_that_records_is_left_alone_and_the_recording_stays_whole()
    {
        using var stage = new MemoryStage(new EmulatedDriverOptions { Strict = true });
        DeviceStream records = stage.Streams[0],
            other = stage.Streams[1];
        DeviceBlock first = stage.Rent(64, records);
        DevicePointer at = first.Pointer;
        records.KeepOff(recording: true);
        records.BeginCapture();
        DeviceBlock? second = null;
        var renter = new Thread(() =>
        {
            using ContextEntry there = stage.Device.Enter();
            first.Return(first.Generation);
            second = stage.Rent(64, other);
            other.Fill(second.Pointer, 7, 64);
        });
        renter.Start();
        Assert.True(renter.Join(TimeSpan.FromSeconds(30)));
        Assert.NotEqual(at, second!.Pointer);
        records.Fill(at, 1, 64);
        using RecordedGraph recorded = records.EndCapture();
        records.KeepOff(recording: false);

        Assert.Equal(1, recorded.NodeCount);
        Assert.Equal(at, stage.Rent(64, other).Pointer);
    }

    [Fact]
    public void A_block_that_comes_back_when_its_stream_is_gone_is_lent_again_once_the_device_is_done_with_it()
    {
        using var stage = new MemoryStage(Deferred with { Devices = [new EmulatedDeviceOptions { MemoryBytes = 512 }] });
        DeviceStream gone = DeviceStream.Create(stage.Device);
        DeviceBlock first = stage.Rent(64, gone);
        gone.Fill(first.Pointer, 1, 64);
        gone.Dispose();
        first.Return(first.Generation);
        DeviceBlock again = stage.Rent(64, stage.Streams[0]);
        Assert.Equal(first.Pointer, again.Pointer);
        stage.Streams[0].Fill(again.Pointer, 2, 64);
        stage.Streams[0].Synchronize();
        Assert.Empty(stage.Driver.Reports);
    }

    [Fact]
    public void While_there_is_other_memory_nobody_waits_for_a_device_that_a_stream_went_from()
    {
        CountingDriver? counting = null;
        using var bench = new Workbench(
            Deferred with
            {
                Devices = [new EmulatedDeviceOptions { MemoryBytes = 4 * MiB }],
            },
            wrap: driver => counting = new CountingDriver(driver)
        );
        using BlockPool pool = bench.Platform.Memory.Open(0);
        using DeviceStream stream = DeviceStream.Create(pool.Device);
        DeviceStream gone = DeviceStream.Create(pool.Device);
        DeviceBlock lost = pool.Rent(2 * MiB, gone);
        DevicePointer at = lost.Pointer;
        gone.Dispose();
        lost.Return(lost.Generation);
        counting!.Take();
        DeviceBlock other = pool.Rent(2 * MiB, stream);
        Assert.Equal(0, counting.Take().Of(nameof(ICudaDriver.CtxSynchronize)));
        Assert.Equal(at, pool.Rent(2 * MiB, stream).Pointer);
        Assert.Equal(1, counting.Take().Of(nameof(ICudaDriver.CtxSynchronize)));
        Assert.NotEqual(at, other.Pointer);
    }

    [Fact]
    public void Memory_that_is_lost_with_its_streams_is_asked_for_before_it_fills_the_device()
    {
        CountingDriver? counting = null;
        using var bench = new Workbench(
            Deferred with
            {
                Devices = [new EmulatedDeviceOptions { MemoryBytes = 64 * MiB }],
            },
            wrap: driver => counting = new CountingDriver(driver)
        );
        using BlockPool pool = bench.Platform.Memory.Open(0);
        counting!.Take();
        for (int lost = 0; lost < 100; lost++)
        {
            DeviceStream gone = DeviceStream.Create(pool.Device);
            DeviceBlock block = pool.Rent(MiB, gone);
            gone.Dispose();
            block.Return(block.Generation);
            Assert.InRange(bench.Platform.Memory.CountsOf(0).Reserved, 0, 4 * (long)MiB);
        }

        Assert.InRange(counting.Take().Of(nameof(ICudaDriver.CtxSynchronize)), 1, 50);
    }

    [Fact]
    public void What_is_lost_with_its_streams_is_asked_for_by_no_one_while_something_is_recorded()
    {
        using var stage = new MemoryStage(
            new EmulatedDriverOptions { Strict = true, Devices = [new EmulatedDeviceOptions { MemoryBytes = 64 * MiB }] }
        );
        DeviceStream records = stage.Streams[0];
        DevicePointer at = stage.Rent(64, records).Pointer;
        records.KeepOff(recording: true);
        records.BeginCapture();
        Exception? trouble = null;
        var other = new Thread(() => trouble = Record.Exception(Lose));
        other.Start();
        Assert.True(other.Join(TimeSpan.FromSeconds(30)));
        Assert.Null(trouble);
        records.Fill(at, 1, 64);
        records.EndCapture().Dispose();
        records.KeepOff(recording: false);
        stage.Pool.Trim();
        Assert.Equal(512, stage.Counts.Used);
        Assert.InRange(stage.Counts.Reserved, 512, (long)MiB + 512);

        void Lose()
        {
            for (int lost = 0; lost < 8; lost++)
            {
                DeviceStream gone = DeviceStream.Create(stage.Device);
                DeviceBlock block = stage.Rent(MiB, gone);
                gone.Dispose();
                block.Return(block.Generation);
            }

            stage.Pool.Trim();
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Whoever_frees_what_is_lost_with_its_stream_holds_up_nobody_while_the_device_is_asked(bool closes)
    {
        CountingDriver? counting = null;
        using var bench = new Workbench(Deferred, wrap: driver => counting = new CountingDriver(driver));
        using BlockPool pool = bench.Platform.Memory.Open(0);
        using DeviceStream stream = DeviceStream.Create(pool.Device);
        DeviceBlock other = pool.Rent(512, stream);
        BlockPool closed = bench.Platform.Memory.Open(0);
        DeviceStream gone = DeviceStream.Create(pool.Device);
        DeviceBlock lost = closed.Rent(512, gone);
        gone.Dispose();
        lost.Return(lost.Generation);
        bool hasPassed = false;
        counting!.OnCall = call =>
        {
            if (call == nameof(ICudaDriver.CtxSynchronize))
            {
                var beside = new Thread(() =>
                {
                    other.Return(other.Generation);
                    bench.Platform.Memory.Open(0).Dispose();
                })
                {
                    IsBackground = true,
                };
                counting.OnCall = null;
                beside.Start();
                hasPassed = beside.Join(TimeSpan.FromSeconds(10));
            }
        };
        if (closes)
        {
            closed.Dispose();
        }
        else
        {
            closed.Trim();
            closed.Dispose();
        }

        Assert.True(hasPassed, "The allocator is locked while somebody waits for the device.");
    }

    [Fact]
    public void Whoever_waits_on_the_host_for_memory_in_flight_holds_up_nobody()
    {
        CountingDriver? counting = null;
        using var bench = new Workbench(
            Deferred with
            {
                Devices = [new EmulatedDeviceOptions { MemoryBytes = 2048 }],
            },
            wrap: driver => counting = new CountingDriver(driver)
        );
        using BlockPool pool = bench.Platform.Memory.Open(0);
        using DeviceStream stream = DeviceStream.Create(pool.Device);
        DeviceBlock other = pool.Rent(512, stream),
            used = pool.Rent(1536, stream);
        DevicePointer at = used.Pointer;
        using (pool.Device.Enter())
        {
            stream.Fill(at, 1, 1536);
        }

        used.Return(used.Generation);
        bool hasPassed = false;
        counting!.OnCall = call =>
        {
            if (call == nameof(ICudaDriver.EventSynchronize))
            {
                var beside = new Thread(() => other.Return(other.Generation)) { IsBackground = true };
                beside.Start();
                hasPassed = beside.Join(TimeSpan.FromSeconds(10));
            }
        };

        Assert.Equal(at, pool.Reserve(1536, "Weights").Pointer);
        Assert.True(hasPassed, "The allocator is locked while somebody waits for the device.");
    }

    [Fact]
    public void A_block_comes_back_when_the_device_context_of_its_stream_was_given_back_meanwhile()
    {
        using var stage = new MemoryStage(EmulatedDriverOptions.WithDevices(2));
        var other = DeviceContext.Retain(stage.Driver, 1);
        using DeviceStream stream = DeviceStream.Create(other);
        DeviceBlock block = stage.Rent(512, stage.Streams[0]);
        DevicePointer at = block.Pointer;
        block.Stream = stream;
        other.Dispose();
        block.Return(block.Generation);
        Assert.Equal((0L, 0), (stage.Counts.Used, stage.Pool.Lent));
        Assert.Equal(at, stage.Rent(512, stage.Streams[1]).Pointer);
    }

    [Fact]
    public void Forwards_beside_slabs_that_cannot_go_allocate_nothing()
    {
        using var stage = new MemoryStage(new EmulatedDriverOptions());
        DeviceStream stream = stage.Streams[0];

        // A small block pins each slab, and what was lent at one time is forgotten when a pool is closed.
        for (int slab = 0; slab < 4; slab++)
        {
            DeviceBlock large = stage.Rent(64 * MiB, stream);
            large.Return(large.Generation);
            var rests = new List<DeviceBlock>();
            for (int full = 0; full < slab; full++)
            {
                rests.Add(stage.Rent((64 * MiB) - 512, stream));
            }

            stage.Rent(512, stream);
            rests.ForEach(rest => rest.Return(rest.Generation));
        }

        stage.Devices.Open(0).Dispose();
        long allocations = stage.Allocations;
        for (int warm = 0; warm < 200; warm++)
        {
            Forward();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 100; round++)
        {
            Forward();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(allocations, stage.Allocations);

        void Forward()
        {
            DeviceBlock block = stage.Rent(MiB, stream);
            block.Return(block.Generation);
        }
    }

    [Fact]
    public void A_block_comes_back_once_and_to_the_pool_that_lent_it()
    {
        using var stage = new MemoryStage();
        using BlockPool stranger = stage.Devices.Open(0);
        DeviceBlock block = stage.Rent(64, stage.Streams[0]);
        int generation = block.Generation;
        Assert.Contains(
            "lent by another pool",
            Assert.Throws<ArgumentException>(() => stranger.Return(block, generation)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(1, stage.Pool.Lent);
        block.Return(generation);
        block.Return(generation);
        Assert.Equal((0, 0), (stage.Pool.Lent, stranger.Lent));
        DeviceBlock[] both = [stage.Rent(64, stage.Streams[0]), stage.Rent(64, stage.Streams[0])];
        Assert.NotEqual(both[0].Pointer, both[1].Pointer);
        block.Return(generation);
        Assert.Equal(2, stage.Pool.Lent);
    }

    [Fact]
    public void What_an_instance_had_is_back_exactly_when_its_pool_is_closed()
    {
        using var stage = new MemoryStage();
        stage.Rent(1000, stage.Streams[0]);
        MemoryCounts before = stage.Counts;
        BlockPool second = stage.Devices.Open(0);
        DeviceBlock lent = second.Rent(5000, stage.Streams[1]);
        second.Reserve(700, "The weights", isWhole: true);
        Assert.Equal(5120 + 1024, stage.Counts.Used - before.Used);
        int generation = lent.Generation;
        second.Dispose();
        Assert.Equal((before.Used, before.Reserved), (stage.Counts.Used, stage.Counts.Reserved));
        lent.Return(generation);
        Assert.Equal(before.Used, stage.Counts.Used);
        Assert.Throws<ObjectDisposedException>(() => second.Rent(1, stage.Streams[0]));
    }

    private static EmulatedDriverOptions Deferred => new() { Policy = ExecutionPolicy.Deferred, Seed = 5 };

    private static EmulatedDriverOptions Timed(ulong bytes) =>
        new() { Policy = ExecutionPolicy.Timed, Devices = [new EmulatedDeviceOptions { MemoryBytes = bytes, ConcurrentKernels = 2 }] };
}
