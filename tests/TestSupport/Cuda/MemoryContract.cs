using System.Runtime.InteropServices;
using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Memory and copies: which addresses are accepted, and when bytes are read.</summary>
public abstract unsafe class MemoryContract<TFixture> : DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    [Fact]
    public void Bytes_come_back_as_they_went()
    {
        using ContractDevice device = Open();
        DevicePointer values = device.Memory(16);
        device.Upload(values, 1f, 2f, 3f, 4f);
        Assert.Equal([1f, 2f, 3f, 4f], device.Download<float>(values, 4));
        DevicePointer copy = device.Memory(16);
        ContractDevice.Ok(device.Driver.MemcpyDtoD(copy + 4, values, 12));
        Assert.Equal([1f, 2f, 3f], device.Download<float>(copy + 4, 3));
    }

    [Fact]
    public void Fills_write_bytes_and_words()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        DevicePointer values = device.Memory(16);
        ContractDevice.Ok(device.Driver.MemsetD32Async(values, 0x01020304, 4, stream));
        ContractDevice.Ok(device.Driver.MemsetD8Async(values + 4, 0xFF, 4, stream));
        device.Finish(stream);
        Assert.Equal([0x01020304u, 0xFFFFFFFFu, 0x01020304u, 0x01020304u], device.Download<uint>(values, 4));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemsetD32Async(values + 1, 1, 1, stream));
    }

    [Fact]
    public void An_allocation_of_nothing_is_an_invalid_value()
    {
        using ContractDevice device = Open();
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemAlloc(out _, 0));
    }

    [Fact]
    public void An_allocation_beyond_the_device_is_out_of_memory_and_harms_nothing()
    {
        using ContractDevice device = Open();
        Assert.Equal(CuResult.OutOfMemory, device.Driver.MemAlloc(out _, 1UL << 46));
        device.Memory(64);
    }

    [Fact]
    public void A_second_free_is_an_invalid_value()
    {
        using ContractDevice device = Open();
        ContractDevice.Ok(device.Driver.MemAlloc(out DevicePointer pointer, 64));
        ContractDevice.Ok(device.Driver.MemFree(pointer));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemFree(pointer));
        Assert.Equal(CuResult.Success, device.Driver.MemFree(default));
    }

    [Fact]
    public void Only_the_start_of_an_allocation_can_be_freed()
    {
        using ContractDevice device = Open();
        DevicePointer pointer = device.Memory(4096);
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemFree(pointer + 256));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemFree(new DevicePointer(12345)));
    }

    [Fact]
    public void A_copy_to_freed_memory_is_an_invalid_value()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        HostPointer host = device.Pinned(64);
        ContractDevice.Ok(device.Driver.MemAlloc(out DevicePointer pointer, 64));
        ContractDevice.Ok(device.Driver.MemFree(pointer));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemcpyHtoD(pointer, host.Address, 4));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemcpyHtoDAsync(pointer, host.Address, 4, stream));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemsetD8Async(pointer, 1, 4, stream));
        Assert.Equal(CuResult.InvalidValue, device.Driver.PointerGetAttributes(out _, pointer));
        device.Finish(stream);
    }

    [Fact]
    public void A_copy_beyond_the_end_is_an_invalid_value()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        HostPointer host = device.Pinned(64);
        DevicePointer pointer = device.Memory(1 << 20);
        DevicePointer end = pointer + ((1 << 20) - 4);
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemcpyHtoD(end, host.Address, 8));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemcpyHtoDAsync(end, host.Address, 8, stream));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemcpyDtoH(host.Address, end, 8));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemcpyDtoDAsync(pointer, end, 8, stream));
        Assert.Equal(CuResult.InvalidValue, device.Driver.MemsetD8Async(end, 1, 8, stream));
        ContractDevice.Ok(device.Driver.MemcpyHtoD(end, host.Address, 4));
        device.Finish(stream);
    }

    [Fact]
    public void A_copy_of_nothing_is_fine_whatever_the_address()
    {
        using ContractDevice device = Open();
        HostPointer host = device.Pinned(64);
        Assert.Equal(CuResult.Success, device.Driver.MemcpyHtoD(default, host.Address, 0));
    }

    [Fact]
    public void A_pinned_source_is_read_when_the_copy_runs()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        DevicePointer values = device.Memory(4);
        Span<uint> host = device.Pinned<uint>(1, out HostPointer pinned);
        using var gate = new GateFunction();
        host[0] = 1;
        if (gate.Blocks(device, stream))
        {
            ContractDevice.Ok(device.Driver.MemcpyHtoDAsync(values, pinned.Address, 4, stream));
            host[0] = 2;
            gate.Open();
            device.Finish(stream);
            Assert.Equal([2u], device.Download<uint>(values, 1));
        }
        else
        {
            ContractDevice.Ok(device.Driver.MemcpyHtoDAsync(values, pinned.Address, 4, stream));
            device.Finish(stream);
            Assert.Equal([1u], device.Download<uint>(values, 1));
        }
    }

    [Fact]
    public void Pointers_tell_where_they_point()
    {
        using ContractDevice device = Open();
        DevicePointer pointer = device.Memory(64);
        ContractDevice.Ok(device.Driver.PointerGetAttributes(out PointerAttributes attributes, pointer + 8));
        Assert.Equal(CuMemoryType.Device, attributes.MemoryType);
        Assert.Equal(0, attributes.DeviceOrdinal);
        Assert.Equal(pointer, attributes.RangeStart);
        Assert.Equal(64UL, attributes.RangeSize);
        Assert.Equal(CuResult.InvalidValue, device.Driver.PointerGetAttributes(out _, pointer + 100));
    }

    [Fact]
    public void Pinned_memory_is_freed_once_and_by_its_start()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.MemHostAlloc(out HostPointer pointer, 4096, CuMemHostAllocFlags.Portable));
        Assert.Equal(CuResult.InvalidValue, driver.MemHostRegister(pointer, 4096));
        Assert.Equal(CuResult.InvalidValue, driver.MemFreeHost(new HostPointer(pointer.Address + 16)));
        ContractDevice.Ok(driver.MemFreeHost(pointer));
        Assert.Equal(CuResult.InvalidValue, driver.MemFreeHost(pointer));
        ContractDevice.Ok(driver.MemFreeHost(default));
    }

    [Fact]
    public void Host_memory_is_registered_once()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        nint memory = (nint)NativeMemory.AlignedAlloc(16384, 4096);
        try
        {
            var pointer = new HostPointer(memory);
            ContractDevice.Ok(driver.MemHostRegister(pointer, 8192));
            Assert.Equal(CuResult.HostMemoryAlreadyRegistered, driver.MemHostRegister(pointer, 8192));
            Assert.Equal(CuResult.HostMemoryAlreadyRegistered, driver.MemHostRegister(new HostPointer(memory + 4096), 8192));
            Assert.Equal(CuResult.InvalidValue, driver.MemFreeHost(pointer));
            Assert.Equal(CuResult.InvalidValue, driver.MemHostUnregister(new HostPointer(memory + 4096)));
            ContractDevice.Ok(driver.MemHostUnregister(pointer));
            Assert.Equal(CuResult.HostMemoryNotRegistered, driver.MemHostUnregister(pointer));
            Assert.Equal(CuResult.InvalidValue, driver.MemHostRegister(pointer, 0));
        }
        finally
        {
            NativeMemory.AlignedFree((void*)memory);
        }
    }

    [Fact]
    public void Copies_between_devices_need_no_peer_access()
    {
        using ContractDevice device = Open(devices: 2);
        ICudaDriver driver = device.Driver;
        DevicePointer here = device.Memory(16);
        CuStream stream = device.Stream();
        device.Upload(here, 1u, 2u, 3u, 4u);
        ContractDevice.Ok(driver.DeviceGet(out CuDevice other, 1));
        ContractDevice.Ok(driver.DevicePrimaryCtxRetain(out CuContext peer, other));
        ContractDevice.Ok(driver.CtxPushCurrent(peer));
        ContractDevice.Ok(driver.MemAlloc(out DevicePointer there, 16));
        ContractDevice.Ok(driver.MemcpyPeerAsync(there, peer, here, device.Context, 8, stream));
        ContractDevice.Ok(driver.MemcpyDtoDAsync(there + 8, here + 8, 8, stream));
        device.Finish(stream);
        Assert.Equal([1u, 2u, 3u, 4u], device.Download<uint>(there, 4));
        ContractDevice.Ok(driver.MemFree(there));
        ContractDevice.Ok(driver.CtxPopCurrent(out _));
        ContractDevice.Ok(driver.DevicePrimaryCtxRelease(other));
    }

    [Fact]
    public void A_fill_of_another_devices_memory_needs_peer_access()
    {
        using ContractDevice device = Open(devices: 2);
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        ContractDevice.Ok(driver.DeviceGet(out CuDevice other, 1));
        ContractDevice.Ok(driver.DeviceCanAccessPeer(out bool canAccess, device.Device, other));
        Assert.SkipUnless(canAccess, "The two devices cannot reach each other.");
        ContractDevice.Ok(driver.DevicePrimaryCtxRetain(out CuContext peer, other));
        ContractDevice.Ok(driver.CtxPushCurrent(peer));
        ContractDevice.Ok(driver.MemAlloc(out DevicePointer there, 16));
        ContractDevice.Ok(driver.CtxPopCurrent(out _));
        Assert.Equal(CuResult.InvalidValue, driver.MemsetD8Async(there, 1, 16, stream));
        ContractDevice.Ok(driver.CtxEnablePeerAccess(peer));
        ContractDevice.Ok(driver.MemsetD8Async(there, 1, 16, stream));
        device.Finish(stream);
        ContractDevice.Ok(driver.CtxDisablePeerAccess(peer));
        ContractDevice.Ok(driver.MemFree(there));
        ContractDevice.Ok(driver.DevicePrimaryCtxRelease(other));
    }
}
