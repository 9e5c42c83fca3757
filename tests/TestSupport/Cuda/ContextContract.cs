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
        using var device = Open();
        Assert.Equal(CuResult.InvalidDevice, device.Driver.DeviceGet(out _, 99));
        Assert.Equal(CuResult.InvalidDevice, device.Driver.DeviceGet(out _, -1));
        Assert.Equal(CuResult.InvalidValue, device.Driver.DeviceGetAttribute(out _, (CuDeviceAttribute)9999, device.Device));
    }

    [Fact]
    public void Devices_tell_their_properties()
    {
        using var device = Open();
        ContractDevice.Ok(device.Driver.DeviceGetName(out var name, device.Device));
        ContractDevice.Ok(device.Driver.DeviceTotalMem(out var bytes, device.Device));
        ContractDevice.Ok(device.Driver.DeviceGetUuid(out var uuid, device.Device));
        ContractDevice.Ok(device.Driver.DeviceGetAttribute(out var major, CuDeviceAttribute.ComputeCapabilityMajor, device.Device));
        ContractDevice.Ok(device.Driver.DeviceGetAttribute(out var pools, CuDeviceAttribute.MemoryPoolsSupported, device.Device));
        ContractDevice.Ok(device.Driver.MemGetInfo(out var free, out var total));
        Assert.NotEmpty(name);
        Assert.NotEqual(Guid.Empty, uuid);
        Assert.True(bytes > 0 && total > 0 && free <= total);
        Assert.True(major >= 5);
        Assert.Equal(1, pools);
    }

    [Fact]
    public void Pushed_contexts_come_back_in_reverse_order()
    {
        using var device = Open();
        ContractDevice.Ok(device.Driver.CtxCreate(out var created, device.Device));
        ContractDevice.Ok(device.Driver.CtxGetCurrent(out var current));
        Assert.Equal(created, current);
        ContractDevice.Ok(device.Driver.CtxPopCurrent(out var popped));
        Assert.Equal(created, popped);
        ContractDevice.Ok(device.Driver.CtxGetCurrent(out current));
        Assert.Equal(device.Context, current);
        ContractDevice.Ok(device.Driver.CtxDestroy(created));
    }

    [Fact]
    public void Without_a_current_context_there_is_nothing_to_make_things_in()
    {
        using var device = Open();
        OnOtherThread(() =>
        {
            var driver = device.Driver;
            ContractDevice.Ok(driver.CtxGetCurrent(out var current));
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
        using var device = Open();
        var stream = device.Stream();
        var @event = device.Event();
        var values = device.Memory(16);
        var fill = device.Function(ContractKernels.Fill);
        var host = device.Pinned<uint>(4, out var pinned);
        OnOtherThread(() =>
        {
            var driver = device.Driver;
            ContractDevice.Ok(device.LaunchFill(fill, stream, values, 5, 4));
            ContractDevice.Ok(driver.MemcpyDtoHAsync(pinned.Address, values, 16, stream));
            ContractDevice.Ok(driver.EventRecord(@event, stream));
            ContractDevice.Ok(driver.StreamWaitEvent(stream, @event));
            ContractDevice.Ok(driver.EventSynchronize(@event));
            ContractDevice.Ok(driver.StreamSynchronize(stream));
            ContractDevice.Ok(driver.CtxGetCurrent(out var current));
            Assert.True(current.IsNull);
        });
        Assert.Equal([5u, 5u, 5u, 5u], host.ToArray());
    }

    [Fact]
    public void An_event_is_recorded_only_on_a_stream_of_its_own_context_but_awaited_anywhere()
    {
        using var device = Open();
        var driver = device.Driver;
        var stream = device.Stream();
        var @event = device.Event();
        ContractDevice.Ok(driver.CtxCreate(out var created, device.Device));
        ContractDevice.Ok(driver.StreamCreate(out var foreign, CuStreamFlags.NonBlocking, 0));
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
        using var device = Open();
        var driver = device.Driver;
        var fill = device.Function(ContractKernels.Fill);
        var values = device.Memory(16);
        ContractDevice.Ok(driver.CtxCreate(out var created, device.Device));
        ContractDevice.Ok(driver.StreamCreate(out var foreign, CuStreamFlags.NonBlocking, 0));
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
        using var device = Open();
        ContractDevice.Ok(device.Driver.CtxCreate(out var created, device.Device));
        ContractDevice.Ok(device.Driver.CtxDestroy(created));
        ContractDevice.Ok(device.Driver.CtxGetCurrent(out var current));
        Assert.Equal(device.Context, current);
        Assert.Equal(CuResult.InvalidContext, device.Driver.CtxDestroy(device.Context));
        Assert.Equal(CuResult.InvalidValue, device.Driver.CtxPushCurrent(default));
    }

    [Fact]
    public void A_primary_context_lives_until_its_last_release()
    {
        using var device = Open();
        var driver = device.Driver;
        ContractDevice.Ok(driver.DevicePrimaryCtxRetain(out var again, device.Device));
        Assert.Equal(device.Context, again);
        ContractDevice.Ok(driver.DevicePrimaryCtxRelease(device.Device));
        ContractDevice.Ok(driver.DevicePrimaryCtxGetState(device.Device, out var active));
        Assert.True(active);
        ContractDevice.Ok(driver.MemGetInfo(out _, out _));
    }

    [Fact]
    public void Peer_access_is_enabled_once_and_disabled_once()
    {
        using var device = Open(devices: 2);
        var driver = device.Driver;
        ContractDevice.Ok(driver.DeviceGet(out var other, 1));
        ContractDevice.Ok(driver.DeviceCanAccessPeer(out var canAccess, device.Device, other));
        Assert.SkipUnless(canAccess, "The two devices cannot reach each other.");
        ContractDevice.Ok(driver.DevicePrimaryCtxRetain(out var peer, other));
        device.AtEnd(() => driver.DevicePrimaryCtxRelease(other));
        Assert.Equal(CuResult.PeerAccessUnsupported, driver.CtxEnablePeerAccess(device.Context));
        Assert.Equal(CuResult.PeerAccessNotEnabled, driver.CtxDisablePeerAccess(peer));
        ContractDevice.Ok(driver.CtxEnablePeerAccess(peer));
        Assert.Equal(CuResult.PeerAccessAlreadyEnabled, driver.CtxEnablePeerAccess(peer));
        ContractDevice.Ok(driver.CtxDisablePeerAccess(peer));
    }
}
