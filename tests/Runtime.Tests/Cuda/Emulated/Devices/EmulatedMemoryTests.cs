using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Devices;

/// <summary>The memory limit, the account of bytes, and leak reports.
/// Held by <see cref="EmulatedDevice"/>.</summary>
public sealed class EmulatedMemoryTests
{
    private static readonly EmulatedDeviceOptions Small = new() { MemoryBytes = 1 << 20 };

    [Fact]
    public void A_device_gives_no_more_than_its_limit_and_counts_what_it_gave()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Inline, device: Small);
        DevicePointer half = stage.Memory(1 << 19);
        Assert.Equal(CuResult.OutOfMemory, stage.Driver.MemAlloc(out _, (1 << 19) + 1));
        stage.Memory(1 << 19);
        ContractDevice.Ok(stage.Driver.MemGetInfo(out ulong free, out ulong total));
        Assert.Equal((0UL, 1UL << 20), (free, total));
        ContractDevice.Ok(stage.Driver.MemFree(half));
        EmulatedDeviceSnapshot snapshot = stage.Driver.Snapshot(0);
        Assert.Equal((1L << 19, 1L << 20), (snapshot.BytesInUse, snapshot.PeakBytesInUse));
    }

    [Theory]
    [InlineData((int)ExecutionPolicy.Inline)]
    [InlineData((int)ExecutionPolicy.Deferred)]
    public void Freeing_waits_for_work_and_gives_the_bytes_back(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy, device: Small);
        CuStream stream = stage.Stream();
        EmulatedCudaDriver driver = stage.Driver;
        for (int round = 0; round < 10; round++)
        {
            DevicePointer values = stage.Memory(1 << 18);
            ContractDevice.Ok(driver.LaunchManaged(stream, TestKernel.Writes(values, 1 << 18)));
            ContractDevice.Ok(driver.MemFree(values));
            Assert.Equal(0, driver.Snapshot(0).BytesInUse);
        }
    }

    [Fact]
    public void Leaks_are_told_by_name()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Inline, devices: 1);
        stage.Stream();
        stage.Event();
        stage.Memory(64);
        stage.Pinned(64);
        IReadOnlyList<string> alive = stage.Driver.Alive();
        Assert.Equal(5, alive.Count);
        Assert.Contains(alive, line => line.Contains("device memory of 64 bytes", StringComparison.Ordinal));
        ContractDevice.Ok(stage.Driver.DevicePrimaryCtxRelease(new CuDevice(0)));
        Assert.Empty(stage.Driver.Alive());
        Assert.Equal(0, stage.Driver.Snapshot(0).BytesInUse);
    }

    [Fact]
    public void A_turn_from_one_device_to_the_other_is_counted_and_a_return_to_the_same_is_not()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Inline);
        stage.On(0);
        stage.On(1);
        stage.On(1);
        ContractDevice.Ok(stage.Driver.CtxPopCurrent(out _));
        ContractDevice.Ok(stage.Driver.CtxPushCurrent(stage.Contexts[1]));
        stage.On(0);
        Assert.Equal((1, 1), (stage.Driver.Snapshot(0).DeviceSwitches, stage.Driver.Snapshot(1).DeviceSwitches));
    }

    [Fact]
    public void Devices_work_in_parallel_from_several_threads()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Inline, devices: 4);
        var failures = new List<Exception>();
        Thread[] threads = Enumerable
            .Range(0, 4)
            .Select(ordinal => new Thread(() => Guarded(failures, () => Work(stage, ordinal))))
            .ToArray();
        foreach (Thread? thread in threads)
        {
            thread.Start();
        }

        foreach (Thread? thread in threads)
        {
            Assert.True(thread.Join(TimeSpan.FromSeconds(60)));
        }

        Assert.Empty(failures);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(500, stage.Driver.Snapshot(i).Launches);
        }
    }

    private static unsafe void Work(EmulatedStage stage, int ordinal)
    {
        EmulatedCudaDriver driver = stage.Driver;
        ContractDevice.Ok(driver.CtxPushCurrent(stage.Contexts[ordinal]));
        CuStream stream = stage.Stream();
        uint host;
        for (int i = 0; i < 500; i++)
        {
            ContractDevice.Ok(driver.MemAlloc(out DevicePointer values, 64));
            uint written = (uint)(ordinal + (i * 4));
            var kernel = new TestKernel(
                "write",
                [new DeviceAccess(values, 64, AccessKind.Write)],
                memory =>
                {
                    *(uint*)memory.Resolve(values, 4) = written;
                    return CuResult.Success;
                }
            );
            ContractDevice.Ok(driver.LaunchManaged(stream, kernel));
            ContractDevice.Ok(driver.MemcpyDtoHAsync((nint)(&host), values, 4, stream));
            ContractDevice.Ok(driver.StreamSynchronize(stream));
            ContractDevice.Ok(driver.MemFree(values));
            Assert.Equal(written, host);
        }
    }

    private static void Guarded(List<Exception> failures, Action body)
    {
        try
        {
            body();
        }
        catch (Exception failure)
        {
            lock (failures)
            {
                failures.Add(failure);
            }
        }
    }
}
