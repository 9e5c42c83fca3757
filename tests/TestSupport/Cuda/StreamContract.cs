using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Streams and events: order, completion, and what destroying something in flight does.</summary>
public abstract class StreamContract<TFixture> : DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    [Fact]
    public void The_null_stream_is_refused()
    {
        using ContractDevice device = Open();
        DevicePointer values = device.Memory(16);
        HostPointer host = device.Pinned(16);
        CuFunction fill = device.Function(ContractKernels.Fill);
        Assert.Equal(CuResult.InvalidHandle, device.LaunchFill(fill, default, values, 1, 4));
        Assert.Equal(CuResult.InvalidHandle, device.Driver.MemcpyHtoDAsync(values, host.Address, 16, default));
        Assert.Equal(CuResult.InvalidHandle, device.Driver.EventRecord(device.Event(), default));
        Assert.Equal(CuResult.InvalidHandle, device.Driver.StreamSynchronize(default));
        Assert.Equal(CuResult.InvalidHandle, device.Driver.StreamBeginCapture(default, CuStreamCaptureMode.ThreadLocal));
    }

    [Fact]
    public void A_stream_knows_its_context_and_flags()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        ContractDevice.Ok(device.Driver.StreamGetCtx(stream, out CuContext context));
        Assert.Equal(device.Context, context);
        ContractDevice.Ok(device.Driver.StreamGetFlags(stream, out CuStreamFlags flags));
        Assert.Equal(CuStreamFlags.NonBlocking, flags);
        Assert.Equal(CuResult.InvalidValue, device.Driver.StreamCreate(out _, (CuStreamFlags)8, 0));
    }

    [Fact]
    public void Work_of_one_stream_runs_in_order()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CuFunction fill = device.Function(ContractKernels.Fill);
        CuFunction increase = device.Function(ContractKernels.Increase);
        DevicePointer values = device.Memory(16);
        ContractDevice.Ok(device.LaunchFill(fill, stream, values, 1, 4));
        for (int i = 0; i < 10; i++)
        {
            ContractDevice.Ok(device.LaunchIncrease(increase, stream, values, 2, 4));
        }

        device.Finish(stream);
        Assert.Equal([21u, 21u, 21u, 21u], device.Download<uint>(values, 4));
        ContractDevice.Ok(device.Driver.StreamQuery(stream));
    }

    [Fact]
    public void Streams_are_ordered_by_events()
    {
        using ContractDevice device = Open();
        CuStream first = device.Stream();
        CuStream second = device.Stream();
        CuEvent done = device.Event();
        CuFunction fill = device.Function(ContractKernels.Fill);
        CuFunction increase = device.Function(ContractKernels.Increase);
        DevicePointer values = device.Memory(16);
        ContractDevice.Ok(device.LaunchFill(fill, first, values, 5, 4));
        ContractDevice.Ok(device.Driver.EventRecord(done, first));
        ContractDevice.Ok(device.Driver.StreamWaitEvent(second, done));
        ContractDevice.Ok(device.LaunchIncrease(increase, second, values, 1, 4));
        device.Finish(second);
        Assert.Equal([6u, 6u, 6u, 6u], device.Download<uint>(values, 4));
    }

    [Fact]
    public void An_event_never_recorded_is_done_and_no_wait()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CuEvent @event = device.Event();
        ContractDevice.Ok(device.Driver.EventQuery(@event));
        ContractDevice.Ok(device.Driver.EventSynchronize(@event));
        ContractDevice.Ok(device.Driver.StreamWaitEvent(stream, @event));
        ContractDevice.Ok(device.Driver.StreamSynchronize(stream));
    }

    [Fact]
    public void Work_behind_a_running_host_function_is_not_ready()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CuEvent @event = device.Event();
        using var gate = new GateFunction();
        Assert.SkipUnless(gate.Blocks(device, stream), "Work runs at enqueue: nothing is in flight.");
        ContractDevice.Ok(device.Driver.EventRecord(@event, stream));
        Assert.Equal(CuResult.NotReady, device.Driver.EventQuery(@event));
        Assert.Equal(CuResult.NotReady, device.Driver.StreamQuery(stream));
        gate.Open();
        ContractDevice.Ok(device.Driver.EventSynchronize(@event));
        ContractDevice.Ok(device.Driver.EventQuery(@event));
    }

    [Fact]
    public void A_wait_binds_to_the_record_before_it()
    {
        using ContractDevice device = Open();
        CuStream held = device.Stream();
        CuStream free = device.Stream();
        CuStream waiting = device.Stream();
        CuEvent @event = device.Event();
        using var gate = new GateFunction();
        ContractDevice.Ok(device.Driver.EventRecord(@event, free));
        Assert.SkipUnless(gate.Blocks(device, held), "Work runs at enqueue: nothing is in flight.");
        ContractDevice.Ok(device.Driver.StreamWaitEvent(waiting, @event));
        ContractDevice.Ok(device.Driver.EventRecord(@event, held));
        device.Finish(waiting);
        Assert.Equal(CuResult.NotReady, device.Driver.EventQuery(@event));
        gate.Open();
        device.Finish(held);
    }

    [Fact]
    public void Destroying_a_stream_and_an_event_in_flight_lets_the_work_finish()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        DevicePointer values = device.Memory(16);
        CuFunction fill = device.Function(ContractKernels.Fill);
        CuStream witness = device.Stream();
        CuEvent done = device.Event();
        using var gate = new GateFunction();
        ContractDevice.Ok(driver.StreamCreate(out CuStream stream, CuStreamFlags.NonBlocking, 0));
        ContractDevice.Ok(driver.EventCreate(out CuEvent inside, CuEventFlags.DisableTiming));
        gate.Blocks(device, stream);
        ContractDevice.Ok(device.LaunchFill(fill, stream, values, 9, 4));
        ContractDevice.Ok(driver.EventRecord(inside, stream));
        ContractDevice.Ok(driver.StreamWaitEvent(witness, inside));
        ContractDevice.Ok(driver.EventRecord(done, witness));
        ContractDevice.Ok(driver.EventDestroy(inside));
        ContractDevice.Ok(driver.StreamDestroy(stream));
        if (!device.RunsAtEnqueue)
        {
            Assert.Equal(CuResult.NotReady, driver.EventQuery(done));
        }

        gate.Open();
        ContractDevice.Ok(driver.EventSynchronize(done));
        Assert.Equal([9u, 9u, 9u, 9u], device.Download<uint>(values, 4));
    }

    [Fact]
    public void Time_is_measured_between_two_records_of_timed_events()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        CuEvent start = device.Event(CuEventFlags.Default);
        CuEvent end = device.Event(CuEventFlags.Default);
        Assert.Equal(CuResult.InvalidHandle, driver.EventElapsedTime(out _, start, end));
        ContractDevice.Ok(driver.EventRecord(start, stream));
        Assert.Equal(CuResult.InvalidHandle, driver.EventElapsedTime(out _, start, end));
        ContractDevice.Ok(driver.EventRecord(end, stream));
        device.Finish(stream);
        ContractDevice.Ok(driver.EventElapsedTime(out float milliseconds, start, end));
        Assert.InRange(milliseconds, 0f, 10_000f);
        CuEvent untimed = device.Event();
        ContractDevice.Ok(driver.EventRecord(untimed, stream));
        device.Finish(stream);
        Assert.Equal(CuResult.InvalidHandle, driver.EventElapsedTime(out _, start, untimed));
    }

    [Fact]
    public void Time_between_records_in_flight_is_not_ready()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CuEvent start = device.Event(CuEventFlags.Default);
        CuEvent end = device.Event(CuEventFlags.Default);
        using var gate = new GateFunction();
        ContractDevice.Ok(device.Driver.EventRecord(start, stream));
        Assert.SkipUnless(gate.Blocks(device, stream), "Work runs at enqueue: nothing is in flight.");
        ContractDevice.Ok(device.Driver.EventRecord(end, stream));
        Assert.Equal(CuResult.NotReady, device.Driver.EventElapsedTime(out _, start, end));
        gate.Open();
        device.Finish(stream);
    }

    [Fact]
    public void Unknown_event_flags_are_an_invalid_value()
    {
        using ContractDevice device = Open();
        Assert.Equal(CuResult.InvalidValue, device.Driver.EventCreate(out _, (CuEventFlags)0x80));
    }

    [Fact]
    public void Null_handles_are_invalid_handles()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        Assert.Equal(CuResult.InvalidHandle, device.Driver.EventDestroy(default));
        Assert.Equal(CuResult.InvalidHandle, device.Driver.EventQuery(default));
        Assert.Equal(CuResult.InvalidHandle, device.Driver.EventRecord(default, stream));
        Assert.Equal(CuResult.InvalidHandle, device.Driver.StreamWaitEvent(stream, default));
        Assert.Equal(CuResult.InvalidHandle, device.Driver.StreamDestroy(default));
        Assert.Equal(CuResult.InvalidHandle, device.Driver.ModuleUnload(default));
        Assert.Equal(CuResult.InvalidValue, device.Driver.GraphDestroy(default));
        Assert.Equal(CuResult.InvalidValue, device.Driver.GraphExecDestroy(default));
        Assert.Equal(CuResult.InvalidValue, device.Driver.GraphLaunch(default, stream));
    }
}
