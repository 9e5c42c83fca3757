using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Tests.Memory;

/// <summary>Blocks change hands behind their last use, and never by way of a stream whose owner records.</summary>
public sealed class BlockPoolTests
{
    [Fact]
    public void A_block_last_used_on_a_stream_that_records_is_left_alone_and_the_recording_stays_whole()
    {
        using var driver = new EmulatedCudaDriver(EmulatedDriverOptions.WithDevices(1) with { Strict = true });
        using DeviceContext device = DeviceContext.Retain(driver, 0);
        using ContextEntry entry = device.Enter();
        using DeviceStream records = DeviceStream.Create(device),
            other = DeviceStream.Create(device);
        using var pool = new BlockPool(device);
        DeviceBlock first = pool.Rent(64, records);
        DevicePointer at = first.Pointer;
        first.Return(first.Generation);

        records.KeepOff(recording: true);
        records.BeginCapture();
        DeviceBlock? second = null;
        var renter = new Thread(() =>
        {
            using ContextEntry there = device.Enter();
            second = pool.Rent(64, other);
            other.Fill(second.Pointer, 7, 64);
        });
        renter.Start();
        Assert.True(renter.Join(TimeSpan.FromSeconds(30)));
        Assert.NotEqual(at, second!.Pointer);
        records.Fill(at, 1, 64);
        using RecordedGraph recorded = records.EndCapture();
        records.KeepOff(recording: false);

        Assert.Equal(at, pool.Rent(64, other).Pointer);
        Assert.Equal(2, pool.Lent);
    }

    [Fact]
    public void A_block_whose_stream_is_gone_is_lent_again_once_the_device_is_done_with_it()
    {
        using var driver = new EmulatedCudaDriver(
            EmulatedDriverOptions.WithDevices(1) with
            {
                Strict = true,
                Policy = ExecutionPolicy.Deferred,
                Seed = 5,
            }
        );
        using DeviceContext device = DeviceContext.Retain(driver, 0);
        using ContextEntry entry = device.Enter();
        using DeviceStream other = DeviceStream.Create(device);
        using var pool = new BlockPool(device);
        DeviceStream gone = DeviceStream.Create(device);
        DeviceBlock first = pool.Rent(64, gone);
        gone.Fill(first.Pointer, 1, 64);
        first.Return(first.Generation);
        gone.Dispose();
        DeviceBlock again = pool.Rent(64, other);
        Assert.Equal(first.Pointer, again.Pointer);
        other.Fill(again.Pointer, 2, 64);
        other.Synchronize();
        Assert.Empty(driver.Reports);
    }
}
