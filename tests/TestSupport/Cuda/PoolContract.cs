using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Stream-ordered memory and its pools.</summary>
public abstract class PoolContract<TFixture> : DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    [Fact]
    public void Stream_ordered_memory_is_used_and_freed_in_the_order_of_its_stream()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CuFunction fill = device.Function(ContractKernels.Fill);
        Span<uint> host = device.Pinned<uint>(4, out HostPointer pinned);
        ContractDevice.Ok(device.Driver.MemAllocAsync(out DevicePointer values, 16, stream));
        ContractDevice.Ok(device.LaunchFill(fill, stream, values, 3, 4));
        ContractDevice.Ok(device.Driver.MemcpyDtoHAsync(pinned.Address, values, 16, stream));
        ContractDevice.Ok(device.Driver.MemFreeAsync(values, stream));
        device.Finish(stream);
        Assert.Equal([3u, 3u, 3u, 3u], host.ToArray());
    }

    [Fact]
    public void A_second_free_in_stream_order_is_an_invalid_value()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        HostPointer host = device.Pinned(64);
        ContractDevice.Ok(driver.MemAllocAsync(out DevicePointer values, 4096, stream));
        Assert.Equal(CuResult.InvalidValue, driver.MemFreeAsync(values + 256, stream));
        ContractDevice.Ok(driver.MemFreeAsync(values, stream));
        Assert.Equal(CuResult.InvalidValue, driver.MemFreeAsync(values, stream));
        Assert.Equal(CuResult.InvalidValue, driver.MemFree(values));
        Assert.Equal(CuResult.InvalidValue, driver.MemcpyHtoDAsync(values, host.Address, 4, stream));
        Assert.Equal(CuResult.InvalidValue, driver.MemFreeAsync(new DevicePointer(12345), stream));
        ContractDevice.Ok(driver.MemFreeAsync(default, stream));
        device.Finish(stream);
    }

    [Fact]
    public void Plain_and_stream_ordered_memory_may_be_freed_either_way()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        ContractDevice.Ok(device.Driver.MemAlloc(out DevicePointer plain, 64));
        ContractDevice.Ok(device.Driver.MemFreeAsync(plain, stream));
        ContractDevice.Ok(device.Driver.MemAllocAsync(out DevicePointer ordered, 64, stream));
        device.Finish(stream);
        ContractDevice.Ok(device.Driver.MemFree(ordered));
    }

    [Fact]
    public void An_allocation_of_nothing_in_stream_order_is_a_null_pointer()
    {
        using ContractDevice device = Open();
        ContractDevice.Ok(device.Driver.MemAllocAsync(out DevicePointer nothing, 0, device.Stream()));
        Assert.True(nothing.IsNull);
    }

    [Fact]
    public void A_pool_counts_what_is_used_and_gives_it_back_at_a_synchronization()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        ContractDevice.Ok(driver.MemPoolCreate(out CuMemPool pool, device.Device, 0));
        device.AtEnd(() => driver.MemPoolDestroy(pool));
        ContractDevice.Ok(driver.MemAllocFromPoolAsync(out DevicePointer values, 1000, pool, stream));
        Assert.Equal(1000UL, Read(CuMemPoolAttribute.UsedMemCurrent));
        Assert.True(Read(CuMemPoolAttribute.ReservedMemCurrent) >= 1000);
        ContractDevice.Ok(driver.MemPoolTrimTo(pool, 0));
        Assert.True(Read(CuMemPoolAttribute.ReservedMemCurrent) >= 1000);
        ContractDevice.Ok(driver.MemFreeAsync(values, stream));
        device.Finish(stream);
        Assert.Equal(0UL, Read(CuMemPoolAttribute.UsedMemCurrent));
        Assert.Equal(0UL, Read(CuMemPoolAttribute.ReservedMemCurrent));
        Assert.Equal(1000UL, Read(CuMemPoolAttribute.UsedMemHigh));

        ulong Read(CuMemPoolAttribute attribute)
        {
            ContractDevice.Ok(driver.MemPoolGetAttribute(pool, attribute, out ulong value));
            return value;
        }
    }

    [Fact]
    public void A_pool_with_a_threshold_keeps_its_memory_until_it_is_trimmed()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        ContractDevice.Ok(driver.MemPoolCreate(out CuMemPool pool, device.Device, 0));
        device.AtEnd(() => driver.MemPoolDestroy(pool));
        ContractDevice.Ok(driver.MemPoolSetAttribute(pool, CuMemPoolAttribute.ReleaseThreshold, 1UL << 30));
        ContractDevice.Ok(driver.MemAllocFromPoolAsync(out DevicePointer values, 1000, pool, stream));
        ContractDevice.Ok(driver.MemFreeAsync(values, stream));
        device.Finish(stream);
        ContractDevice.Ok(driver.MemPoolGetAttribute(pool, CuMemPoolAttribute.ReservedMemCurrent, out ulong kept));
        Assert.True(kept >= 1000);
        ContractDevice.Ok(driver.MemPoolTrimTo(pool, 0));
        ContractDevice.Ok(driver.MemPoolGetAttribute(pool, CuMemPoolAttribute.ReservedMemCurrent, out kept));
        Assert.Equal(0UL, kept);
    }

    [Fact]
    public void High_marks_are_reset_to_zero_only_and_counts_are_read_only()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.MemPoolCreate(out CuMemPool pool, device.Device, 0));
        device.AtEnd(() => driver.MemPoolDestroy(pool));
        Assert.Equal(CuResult.InvalidValue, driver.MemPoolSetAttribute(pool, CuMemPoolAttribute.UsedMemHigh, 5));
        ContractDevice.Ok(driver.MemPoolSetAttribute(pool, CuMemPoolAttribute.UsedMemHigh, 0));
        Assert.Equal(CuResult.InvalidValue, driver.MemPoolSetAttribute(pool, CuMemPoolAttribute.UsedMemCurrent, 0));
    }

    [Fact]
    public void Memory_outlives_the_handle_of_its_pool()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        HostPointer host = device.Pinned(64);
        ContractDevice.Ok(driver.MemPoolCreate(out CuMemPool pool, device.Device, 0));
        ContractDevice.Ok(driver.MemAllocFromPoolAsync(out DevicePointer values, 1000, pool, stream));
        ContractDevice.Ok(driver.MemPoolDestroy(pool));
        ContractDevice.Ok(driver.MemcpyHtoDAsync(values, host.Address, 64, stream));
        ContractDevice.Ok(driver.MemFreeAsync(values, stream));
        device.Finish(stream);
    }

    [Fact]
    public void The_default_pool_cannot_be_destroyed()
    {
        using ContractDevice device = Open();
        ContractDevice.Ok(device.Driver.DeviceGetDefaultMemPool(out CuMemPool pool, device.Device));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemPoolDestroy(pool));
    }

    [Fact]
    public void A_pool_is_always_open_to_its_own_device()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.MemPoolCreate(out CuMemPool pool, device.Device, 0));
        device.AtEnd(() => driver.MemPoolDestroy(pool));
        ContractDevice.Ok(driver.MemPoolGetAccess(pool, device.Device, out CuMemAccess access));
        Assert.Equal(CuMemAccess.ReadWrite, access);
        Assert.Equal(CuResult.InvalidDevice, driver.MemPoolSetAccess(pool, device.Device, CuMemAccess.None));
        Assert.Equal(CuResult.NotSupported, driver.MemPoolSetAccess(pool, device.Device, CuMemAccess.Read));
        ContractDevice.Ok(driver.MemPoolSetAccess(pool, device.Device, CuMemAccess.ReadWrite));
        Assert.Equal(CuResult.InvalidValue, driver.MemPoolGetAccess(pool, new CuDevice(63), out _));
    }

    [Fact]
    public void Access_of_another_device_is_given_and_taken()
    {
        using ContractDevice device = Open(devices: 2);
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.DeviceGet(out CuDevice other, 1));
        ContractDevice.Ok(driver.DeviceCanAccessPeer(out bool canAccess, other, device.Device));
        Assert.SkipUnless(canAccess, "The two devices cannot reach each other.");
        ContractDevice.Ok(driver.MemPoolCreate(out CuMemPool pool, device.Device, 0));
        device.AtEnd(() => driver.MemPoolDestroy(pool));
        ContractDevice.Ok(driver.MemPoolGetAccess(pool, other, out CuMemAccess access));
        Assert.Equal(CuMemAccess.None, access);
        ContractDevice.Ok(driver.MemPoolSetAccess(pool, other, CuMemAccess.ReadWrite));
        ContractDevice.Ok(driver.MemPoolGetAccess(pool, other, out access));
        Assert.Equal(CuMemAccess.ReadWrite, access);
        ContractDevice.Ok(driver.MemPoolSetAccess(pool, other, CuMemAccess.None));
    }
}
