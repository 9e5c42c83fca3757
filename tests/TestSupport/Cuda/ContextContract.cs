using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Device contexts: what is current, who may use which handle, and what a released one answers.</summary>
public abstract class ContextContract<TFixture> : DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    [Fact]
    public void A_device_that_does_not_exist_is_an_invalid_device()
    {
        using ContractDevice device = Open();
        Assert.Equal(CuResult.InvalidDevice, device.Driver.DeviceGet(out _, 99));
        Assert.Equal(CuResult.InvalidDevice, device.Driver.DeviceGet(out _, -1));
        Assert.Equal(CuResult.InvalidValue, device.Driver.DeviceGetAttribute(out _, (CuDeviceAttribute)9999, device.Device));
    }

    [Fact]
    public void Devices_tell_their_properties()
    {
        using ContractDevice device = Open();
        ContractDevice.Ok(device.Driver.DeviceGetName(out string? name, device.Device));
        ContractDevice.Ok(device.Driver.DeviceTotalMem(out ulong bytes, device.Device));
        ContractDevice.Ok(device.Driver.DeviceGetUuid(out Guid uuid, device.Device));
        ContractDevice.Ok(device.Driver.DeviceGetAttribute(out int major, CuDeviceAttribute.ComputeCapabilityMajor, device.Device));
        ContractDevice.Ok(device.Driver.MemGetInfo(out ulong free, out ulong total));
        Assert.NotEmpty(name);
        Assert.NotEqual(Guid.Empty, uuid);
        Assert.True(bytes > 0 && total > 0 && free <= total);
        Assert.True(major >= 5);
    }

    [Fact]
    public void Pushed_contexts_come_back_in_reverse_order()
    {
        using ContractDevice device = Open();
        ContractDevice.Ok(device.Driver.CtxCreate(out CuContext created, device.Device));
        ContractDevice.Ok(device.Driver.CtxGetCurrent(out CuContext current));
        Assert.Equal(created, current);
        ContractDevice.Ok(device.Driver.CtxPopCurrent(out CuContext popped));
        Assert.Equal(created, popped);
        ContractDevice.Ok(device.Driver.CtxGetCurrent(out current));
        Assert.Equal(device.Context, current);
        ContractDevice.Ok(device.Driver.CtxDestroy(created));
    }

    [Fact]
    public void Without_a_current_context_there_is_nothing_to_make_things_in()
    {
        using ContractDevice device = Open();
        OnOtherThread(() =>
        {
            ICudaDriver driver = device.Driver;
            ContractDevice.Ok(driver.CtxGetCurrent(out CuContext current));
            Assert.True(current.IsNull);
            Assert.Equal(CuResult.InvalidContext, driver.CtxPopCurrent(out _));
            Assert.Equal(CuResult.InvalidContext, driver.CtxGetDevice(out _));
            Assert.Equal(CuResult.InvalidContext, driver.MemAlloc(out _, 64));
            Assert.Equal(CuResult.InvalidContext, driver.MemHostAlloc(out _, 64, CuMemHostAllocFlags.None));
            Assert.Equal(CuResult.InvalidContext, driver.MemGetInfo(out _, out _));
            Assert.Equal(CuResult.InvalidContext, driver.StreamCreate(out _, CuStreamFlags.NonBlocking, 0));
            Assert.Equal(CuResult.InvalidContext, driver.EventCreate(out _, CuEventFlags.Default));
            Assert.Equal(CuResult.InvalidContext, driver.CtxSynchronize());
            Assert.Equal(CuResult.InvalidContext, driver.ModuleLoadData(out _, ContractKernels.Ptx, out _));
        });
    }

    [Fact]
    public void A_stream_brings_its_own_context_along()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CuEvent @event = device.Event();
        DevicePointer values = device.Memory(16);
        CuFunction fill = device.Function(ContractKernels.Fill);
        Span<uint> host = device.Pinned<uint>(4, out HostPointer pinned);
        OnOtherThread(() =>
        {
            ICudaDriver driver = device.Driver;
            ContractDevice.Ok(device.LaunchFill(fill, stream, values, 5, 4));
            ContractDevice.Ok(driver.MemcpyDtoHAsync(pinned.Address, values, 16, stream));
            ContractDevice.Ok(driver.EventRecord(@event, stream));
            ContractDevice.Ok(driver.StreamWaitEvent(stream, @event));
            ContractDevice.Ok(driver.EventSynchronize(@event));
            ContractDevice.Ok(driver.StreamSynchronize(stream));
            ContractDevice.Ok(driver.CtxGetCurrent(out CuContext current));
            Assert.True(current.IsNull);
        });
        Assert.Equal([5u, 5u, 5u, 5u], host.ToArray());
    }

    [Fact]
    public void An_event_is_recorded_only_on_a_stream_of_its_own_context_but_awaited_anywhere()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        CuEvent @event = device.Event();
        ContractDevice.Ok(driver.CtxCreate(out CuContext created, device.Device));
        ContractDevice.Ok(driver.StreamCreate(out CuStream foreign, CuStreamFlags.NonBlocking, 0));
        try
        {
            Assert.Equal(CuResult.InvalidHandle, driver.EventRecord(@event, foreign));
            ContractDevice.Ok(driver.EventRecord(@event, stream));
            ContractDevice.Ok(driver.StreamWaitEvent(foreign, @event));
            ContractDevice.Ok(driver.EventQuery(@event) is CuResult.NotReady ? driver.EventSynchronize(@event) : CuResult.Success);
            ContractDevice.Ok(driver.StreamSynchronize(foreign));
        }
        finally
        {
            ContractDevice.Ok(driver.CtxDestroy(created));
        }
    }

    [Fact]
    public void A_kernel_runs_only_on_a_stream_of_its_own_context()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuFunction fill = device.Function(ContractKernels.Fill);
        DevicePointer values = device.Memory(16);
        ContractDevice.Ok(driver.CtxCreate(out CuContext created, device.Device));
        ContractDevice.Ok(driver.StreamCreate(out CuStream foreign, CuStreamFlags.NonBlocking, 0));
        try
        {
            Assert.Equal(CuResult.InvalidHandle, device.LaunchFill(fill, foreign, values, 1, 4));
        }
        finally
        {
            ContractDevice.Ok(driver.CtxDestroy(created));
        }
    }

    [Fact]
    public void Destroying_the_current_context_makes_the_one_below_current()
    {
        using ContractDevice device = Open();
        ContractDevice.Ok(device.Driver.CtxCreate(out CuContext created, device.Device));
        ContractDevice.Ok(device.Driver.CtxDestroy(created));
        ContractDevice.Ok(device.Driver.CtxGetCurrent(out CuContext current));
        Assert.Equal(device.Context, current);
        Assert.Equal(CuResult.InvalidContext, device.Driver.CtxDestroy(device.Context));
        Assert.Equal(CuResult.InvalidValue, device.Driver.CtxPushCurrent(default));
    }

    [Fact]
    public void A_primary_context_lives_until_its_last_release()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.DevicePrimaryCtxRetain(out CuContext again, device.Device));
        Assert.Equal(device.Context, again);
        ContractDevice.Ok(driver.DevicePrimaryCtxRelease(device.Device));
        ContractDevice.Ok(driver.DevicePrimaryCtxGetState(device.Device, out bool active));
        Assert.True(active);
        ContractDevice.Ok(driver.MemGetInfo(out _, out _));
    }

    [Fact]
    public void Peer_access_is_enabled_once_and_disabled_once()
    {
        using ContractDevice device = Open(devices: 2);
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.DeviceGet(out CuDevice other, 1));
        ContractDevice.Ok(driver.DeviceCanAccessPeer(out bool canAccess, device.Device, other));
        Assert.SkipUnless(canAccess, "The two devices cannot reach each other.");
        ContractDevice.Ok(driver.DevicePrimaryCtxRetain(out CuContext peer, other));
        device.AtEnd(() => driver.DevicePrimaryCtxRelease(other));
        Assert.Equal(CuResult.PeerAccessUnsupported, driver.CtxEnablePeerAccess(device.Context));
        Assert.Equal(CuResult.PeerAccessNotEnabled, driver.CtxDisablePeerAccess(peer));
        ContractDevice.Ok(driver.CtxEnablePeerAccess(peer));
        Assert.Equal(CuResult.PeerAccessAlreadyEnabled, driver.CtxEnablePeerAccess(peer));
        ContractDevice.Ok(driver.CtxDisablePeerAccess(peer));
    }
}
