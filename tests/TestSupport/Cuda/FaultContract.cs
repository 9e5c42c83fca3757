using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Device faults: they surface at a later call and stay. On a real GPU each of these tests ends its process for CUDA.</summary>
/// <remarks>A fixture with a <see cref="DriverFixture.NoFaultsReason"/> skips them; run each in a process of its own there.</remarks>
public abstract class FaultContract<TFixture> : DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    [Fact]
    public void An_illegal_address_surfaces_later_and_sticks()
    {
        SkipWithoutFaults();
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        CuStream other = device.Stream();
        CuFunction fill = device.Function(ContractKernels.Fill);
        DevicePointer values = device.Memory(64);
        HostPointer host = device.Pinned(64);
        CuEvent earlier = device.Event();
        ContractDevice.Ok(driver.EventRecord(earlier, other));
        device.Finish(other);
        ContractDevice.Ok(device.LaunchFill(fill, stream, new DevicePointer(0x1000), 1, 4));
        Assert.Equal(CuResult.IllegalAddress, driver.StreamSynchronize(stream));
        Assert.Equal(CuResult.IllegalAddress, driver.StreamSynchronize(stream));
        Assert.Equal(CuResult.IllegalAddress, driver.StreamQuery(other));
        Assert.Equal(CuResult.IllegalAddress, driver.EventQuery(earlier));
        Assert.Equal(CuResult.IllegalAddress, driver.EventRecord(earlier, other));
        Assert.Equal(CuResult.IllegalAddress, driver.MemAlloc(out _, 64));
        Assert.Equal(CuResult.IllegalAddress, driver.MemcpyHtoD(values, host.Address, 64));
        Assert.Equal(CuResult.IllegalAddress, driver.StreamCreate(out _, CuStreamFlags.NonBlocking, 0));
        Assert.Equal(CuResult.IllegalAddress, driver.EventCreate(out _, CuEventFlags.Default));
        Assert.Equal(CuResult.IllegalAddress, device.LaunchFill(fill, other, values, 1, 4));
        Assert.Equal(CuResult.IllegalAddress, driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        Assert.Equal(CuResult.IllegalAddress, driver.CtxSynchronize());
        Assert.Equal(CuResult.IllegalAddress, driver.MemGetInfo(out _, out _));
        ContractDevice.Ok(driver.CtxGetCurrent(out CuContext current));
        Assert.Equal(device.Context, current);
        ContractDevice.Ok(driver.CtxGetDevice(out _));
    }

    [Fact]
    public void A_faulted_device_stays_faulted_when_its_primary_context_is_retained_once_more()
    {
        SkipWithoutFaults();
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        CuFunction fill = device.Function(ContractKernels.Fill);
        ContractDevice.Ok(device.LaunchFill(fill, stream, new DevicePointer(0x1000), 1, 4));
        Assert.Equal(CuResult.IllegalAddress, driver.StreamSynchronize(stream));
        ContractDevice.Ok(driver.DevicePrimaryCtxRetain(out CuContext again, device.Device));
        Assert.Equal(device.Context, again);
        Assert.Equal(CuResult.IllegalAddress, driver.MemAlloc(out _, 16));
        driver.DevicePrimaryCtxRelease(device.Device);
    }

    [Fact]
    public void A_peer_that_is_not_enabled_is_an_illegal_address()
    {
        SkipWithoutFaults();
        using ContractDevice device = Open(devices: 2);
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        CuFunction fill = device.Function(ContractKernels.Fill);
        ContractDevice.Ok(driver.DeviceGet(out CuDevice other, 1));
        ContractDevice.Ok(driver.DevicePrimaryCtxRetain(out CuContext peer, other));
        ContractDevice.Ok(driver.CtxPushCurrent(peer));
        ContractDevice.Ok(driver.MemAlloc(out DevicePointer there, 16));
        ContractDevice.Ok(driver.CtxPopCurrent(out _));
        ContractDevice.Ok(device.LaunchFill(fill, stream, there, 4, 4));
        Assert.Equal(CuResult.IllegalAddress, driver.StreamSynchronize(stream));
        driver.MemFree(there);
        driver.DevicePrimaryCtxRelease(other);
    }

    private static void SkipWithoutFaults()
    {
        using var fixture = new TFixture();
        if (fixture.NoFaultsReason is { } reason)
        {
            Assert.Skip(reason);
        }
    }
}
