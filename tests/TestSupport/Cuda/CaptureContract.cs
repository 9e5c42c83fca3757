using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Capture legality: capture mode, thread mode and call decide; how captures fork, join, end and break.</summary>
/// <remarks>The table of calls was read off a real driver (580, CUDA 13.0) and holds for it line by line.</remarks>
public abstract class CaptureContract<TFixture> : DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    [Theory]
    [InlineData(CaptureCall.MemAlloc, CuResult.StreamCaptureUnsupported, true)]
    [InlineData(CaptureCall.MemFree, CuResult.StreamCaptureUnsupported, true)]
    [InlineData(CaptureCall.MemHostAlloc, CuResult.StreamCaptureUnsupported, true)]
    [InlineData(CaptureCall.EventQuery, CuResult.StreamCaptureUnsupported, true)]
    [InlineData(CaptureCall.EventSynchronize, CuResult.StreamCaptureUnsupported, true)]
    [InlineData(CaptureCall.QueryOtherStream, CuResult.StreamCaptureUnsupported, true)]
    [InlineData(CaptureCall.SynchronizeOtherStream, CuResult.StreamCaptureUnsupported, true)]
    [InlineData(CaptureCall.Instantiate, CuResult.StreamCaptureUnsupported, true)]
    [InlineData(CaptureCall.SynchronizeContext, CuResult.StreamCaptureUnsupported, false)]
    [InlineData(CaptureCall.QueryThisStream, CuResult.StreamCaptureUnsupported, false)]
    [InlineData(CaptureCall.SynchronizeThisStream, CuResult.StreamCaptureUnsupported, false)]
    [InlineData(CaptureCall.FlagsOfThisStream, CuResult.StreamCaptureUnsupported, false)]
    [InlineData(CaptureCall.LaunchGraphHere, CuResult.StreamCaptureUnsupported, false)]
    [InlineData(CaptureCall.UploadGraphHere, CuResult.StreamCaptureUnsupported, false)]
    [InlineData(CaptureCall.WaitForWorkOutside, CuResult.StreamCaptureIsolation, false)]
    [InlineData(CaptureCall.QueryCapturedEvent, CuResult.CapturedEvent, false)]
    [InlineData(CaptureCall.SynchronizeCapturedEvent, CuResult.CapturedEvent, false)]
    [InlineData(CaptureCall.LaunchEmptyGrid, CuResult.InvalidValue, false)]
    public void A_call_that_breaks_a_capture(CaptureCall call, CuResult expected, bool isAllowedWhenRelaxed)
    {
        foreach (CuStreamCaptureMode mode in Modes)
        {
            using ContractDevice device = Open();
            var stage = new CaptureStage(device);
            ContractDevice.Ok(device.Driver.StreamBeginCapture(stage.Stream, mode));
            CuResult answer = stage.Make(call);
            ContractDevice.Ok(device.Driver.StreamGetCaptureInfo(stage.Stream, out CuStreamCaptureStatus status, out _));
            CuResult ended = device.Driver.StreamEndCapture(stage.Stream, out CuGraph graph);
            if (mode == CuStreamCaptureMode.Relaxed && isAllowedWhenRelaxed)
            {
                Assert.Equal((CuResult.Success, CuStreamCaptureStatus.Active, CuResult.Success), (answer, status, ended));
                ContractDevice.Ok(device.Driver.GraphDestroy(graph));
                continue;
            }

            Assert.Equal((expected, CuStreamCaptureStatus.Invalidated, CuResult.StreamCaptureInvalidated), (answer, status, ended));
            Assert.Equal(default, graph);
        }
    }

    [Theory]
    [InlineData(CaptureCall.CopyNow, CuResult.Success)]
    [InlineData(CaptureCall.CreateStream, CuResult.Success)]
    [InlineData(CaptureCall.CreateEvent, CuResult.Success)]
    [InlineData(CaptureCall.RecordOnOtherStream, CuResult.Success)]
    [InlineData(CaptureCall.LoadImage, CuResult.Success)]
    [InlineData(CaptureCall.LaunchGraphElsewhere, CuResult.Success)]
    [InlineData(CaptureCall.UploadGraphElsewhere, CuResult.Success)]
    [InlineData(CaptureCall.LaunchOnOtherStream, CuResult.Success)]
    [InlineData(CaptureCall.MemoryInfo, CuResult.Success)]
    [InlineData(CaptureCall.RetainPrimary, CuResult.Success)]
    [InlineData(CaptureCall.ContextOfThisStream, CuResult.Success)]
    [InlineData(CaptureCall.WaitForNeverRecorded, CuResult.Success)]
    [InlineData(CaptureCall.CaptureOtherStream, CuResult.Success)]
    [InlineData(CaptureCall.UpdateExecutable, CuResult.Success)]
    [InlineData(CaptureCall.CopyToBadAddress, CuResult.InvalidValue)]
    [InlineData(CaptureCall.BeginAgain, CuResult.IllegalState)]
    [InlineData(CaptureCall.ElapsedOfCapturedEvent, CuResult.CapturedEvent)]
    public void A_call_that_leaves_a_capture_alone(CaptureCall call, CuResult expected)
    {
        foreach (CuStreamCaptureMode mode in Modes)
        {
            using ContractDevice device = Open();
            var stage = new CaptureStage(device);
            ContractDevice.Ok(device.Driver.StreamBeginCapture(stage.Stream, mode));
            CuResult answer = stage.Make(call);
            ContractDevice.Ok(device.Driver.StreamGetCaptureInfo(stage.Stream, out CuStreamCaptureStatus status, out _));
            ContractDevice.Ok(device.Driver.StreamEndCapture(stage.Stream, out CuGraph graph));
            ContractDevice.Ok(device.Driver.GraphDestroy(graph));
            Assert.Equal((expected, CuStreamCaptureStatus.Active), (answer, status));
        }
    }

    [Theory]
    [InlineData((int)CuStreamCaptureMode.Global, (int)CuStreamCaptureMode.Global, false)]
    [InlineData((int)CuStreamCaptureMode.Global, (int)CuStreamCaptureMode.ThreadLocal, true)]
    [InlineData((int)CuStreamCaptureMode.Global, (int)CuStreamCaptureMode.Relaxed, true)]
    [InlineData((int)CuStreamCaptureMode.ThreadLocal, (int)CuStreamCaptureMode.Global, true)]
    [InlineData((int)CuStreamCaptureMode.ThreadLocal, (int)CuStreamCaptureMode.ThreadLocal, true)]
    [InlineData((int)CuStreamCaptureMode.Relaxed, (int)CuStreamCaptureMode.Global, true)]
    public void Another_thread_is_restricted_only_by_a_global_capture_and_its_own_global_mode(int capture, int thread, bool isAllowed)
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, (CuStreamCaptureMode)capture));
        OnOtherThread(() =>
        {
            ContractDevice.Ok(device.Driver.CtxPushCurrent(device.Context));
            var mode = (CuStreamCaptureMode)thread;
            ContractDevice.Ok(device.Driver.ThreadExchangeStreamCaptureMode(ref mode));
            Assert.Equal(CuStreamCaptureMode.Global, mode);
            CuResult answer = device.Driver.MemAlloc(out DevicePointer pointer, 64);
            Assert.Equal(isAllowed ? CuResult.Success : CuResult.StreamCaptureUnsupported, answer);
            if (isAllowed)
            {
                CuStreamCaptureMode relaxed = CuStreamCaptureMode.Relaxed;
                ContractDevice.Ok(device.Driver.ThreadExchangeStreamCaptureMode(ref relaxed));
                ContractDevice.Ok(device.Driver.MemFree(pointer));
            }

            ContractDevice.Ok(device.Driver.CtxPopCurrent(out _));
        });
        CuResult ended = device.Driver.StreamEndCapture(stream, out CuGraph graph);
        Assert.Equal(isAllowed ? CuResult.Success : CuResult.StreamCaptureInvalidated, ended);
        if (isAllowed)
        {
            ContractDevice.Ok(device.Driver.GraphDestroy(graph));
        }
    }

    [Fact]
    public void A_relaxed_thread_may_allocate_during_its_own_capture()
    {
        foreach (CuStreamCaptureMode mode in Modes)
        {
            using ContractDevice device = Open();
            CuStream stream = device.Stream();
            ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, mode));
            CuStreamCaptureMode thread = CuStreamCaptureMode.Relaxed;
            ContractDevice.Ok(device.Driver.ThreadExchangeStreamCaptureMode(ref thread));
            ContractDevice.Ok(device.Driver.MemAlloc(out DevicePointer pointer, 64));
            ContractDevice.Ok(device.Driver.MemFree(pointer));
            ContractDevice.Ok(device.Driver.ThreadExchangeStreamCaptureMode(ref thread));
            ContractDevice.Ok(device.Driver.StreamEndCapture(stream, out CuGraph graph));
            ContractDevice.Ok(device.Driver.GraphDestroy(graph));
        }
    }

    [Fact]
    public void Ending_a_stream_that_does_not_capture_is_an_illegal_state()
    {
        using ContractDevice device = Open();
        Assert.Equal(CuResult.IllegalState, device.Driver.StreamEndCapture(device.Stream(), out _));
    }

    [Fact]
    public void Only_the_thread_that_began_ends_a_capture_unless_it_is_relaxed()
    {
        foreach (CuStreamCaptureMode mode in Modes)
        {
            using ContractDevice device = Open();
            CuStream stream = device.Stream();
            ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, mode));
            OnOtherThread(() =>
            {
                CuResult ended = device.Driver.StreamEndCapture(stream, out CuGraph graph);
                Assert.Equal(mode == CuStreamCaptureMode.Relaxed ? CuResult.Success : CuResult.StreamCaptureWrongThread, ended);
                if (ended == CuResult.Success)
                {
                    ContractDevice.Ok(device.Driver.GraphDestroy(graph));
                }
            });
            ContractDevice.Ok(device.Driver.StreamGetCaptureInfo(stream, out CuStreamCaptureStatus status, out _));
            Assert.Equal(CuStreamCaptureStatus.None, status);
            ContractDevice.Ok(device.Driver.MemGetInfo(out _, out _));
            device.Memory(64);
        }
    }

    [Fact]
    public void A_forked_stream_with_work_must_be_joined()
    {
        using ContractDevice device = Open();
        var stage = new CaptureStage(device);
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.StreamBeginCapture(stage.Stream, CuStreamCaptureMode.ThreadLocal));
        stage.Fork();
        ContractDevice.Ok(driver.StreamGetCaptureInfo(stage.Other, out CuStreamCaptureStatus status, out _));
        Assert.Equal(CuStreamCaptureStatus.Active, status);
        ContractDevice.Ok(stage.Launch(stage.Other));
        Assert.Equal(CuResult.StreamCaptureUnjoined, driver.StreamEndCapture(stage.Stream, out _));
        ContractDevice.Ok(driver.StreamGetCaptureInfo(stage.Other, out status, out _));
        Assert.Equal(CuStreamCaptureStatus.None, status);
    }

    [Fact]
    public void A_forked_stream_without_work_needs_no_join()
    {
        using ContractDevice device = Open();
        var stage = new CaptureStage(device);
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stage.Stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(stage.Launch(stage.Stream));
        stage.Fork();
        ContractDevice.Ok(device.Driver.StreamEndCapture(stage.Stream, out CuGraph graph));
        ContractDevice.Ok(device.Driver.GraphDestroy(graph));
    }

    [Fact]
    public void Fork_and_join_record_one_graph()
    {
        using ContractDevice device = Open();
        var stage = new CaptureStage(device);
        ICudaDriver driver = device.Driver;
        CuEvent joined = device.Event();
        ContractDevice.Ok(driver.StreamBeginCapture(stage.Stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(stage.Launch(stage.Stream));
        stage.Fork();
        ContractDevice.Ok(stage.Launch(stage.Other));
        ContractDevice.Ok(driver.EventRecord(joined, stage.Other));
        ContractDevice.Ok(driver.StreamWaitEvent(stage.Stream, joined));
        ContractDevice.Ok(stage.Launch(stage.Stream));
        ContractDevice.Ok(driver.StreamEndCapture(stage.Stream, out CuGraph graph));
        ContractDevice.Ok(driver.GraphGetNodeCount(graph, out int nodes));
        Assert.Equal(3, nodes);
        ContractDevice.Ok(driver.GraphDestroy(graph));
    }

    [Fact]
    public void A_capture_is_ended_on_the_stream_it_was_begun_on()
    {
        using ContractDevice device = Open();
        var stage = new CaptureStage(device);
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stage.Stream, CuStreamCaptureMode.ThreadLocal));
        stage.Fork();
        Assert.Equal(CuResult.StreamCaptureUnmatched, device.Driver.StreamEndCapture(stage.Other, out _));
        Assert.Equal(CuResult.StreamCaptureInvalidated, device.Driver.StreamEndCapture(stage.Stream, out _));
    }

    [Fact]
    public void Two_captures_cannot_be_merged()
    {
        using ContractDevice device = Open();
        var stage = new CaptureStage(device);
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.StreamBeginCapture(stage.Stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(driver.StreamBeginCapture(stage.Other, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(driver.EventRecord(stage.Event, stage.Stream));
        Assert.Equal(CuResult.StreamCaptureMerge, driver.StreamWaitEvent(stage.Other, stage.Event));
        Assert.Equal(CuResult.StreamCaptureInvalidated, driver.StreamEndCapture(stage.Stream, out _));
        Assert.Equal(CuResult.StreamCaptureInvalidated, driver.StreamEndCapture(stage.Other, out _));
    }

    [Fact]
    public void An_event_of_an_ended_capture_must_be_recorded_anew()
    {
        using ContractDevice device = Open();
        var stage = new CaptureStage(device);
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.StreamBeginCapture(stage.Stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(driver.EventRecord(stage.Event, stage.Stream));
        ContractDevice.Ok(driver.StreamEndCapture(stage.Stream, out CuGraph graph));
        ContractDevice.Ok(driver.GraphDestroy(graph));
        Assert.Equal(CuResult.InvalidValue, driver.EventQuery(stage.Event));
        Assert.Equal(CuResult.InvalidValue, driver.EventSynchronize(stage.Event));
        Assert.Equal(CuResult.InvalidValue, driver.StreamWaitEvent(stage.Other, stage.Event));
        ContractDevice.Ok(driver.EventRecord(stage.Event, stage.Other));
        ContractDevice.Ok(driver.EventSynchronize(stage.Event));
        ContractDevice.Ok(driver.EventQuery(stage.Event));
    }

    [Fact]
    public void An_invalidated_capture_takes_no_more_work_and_the_stream_works_after_it_ended()
    {
        using ContractDevice device = Open();
        var stage = new CaptureStage(device);
        ICudaDriver driver = device.Driver;
        ContractDevice.Ok(driver.StreamBeginCapture(stage.Stream, CuStreamCaptureMode.ThreadLocal));
        Assert.Equal(CuResult.StreamCaptureUnsupported, stage.Make(CaptureCall.MemAlloc));
        Assert.Equal(CuResult.StreamCaptureInvalidated, stage.Launch(stage.Stream));
        Assert.Equal(CuResult.StreamCaptureInvalidated, driver.EventRecord(stage.Event, stage.Stream));
        Assert.Equal(CuResult.StreamCaptureInvalidated, driver.MemcpyHtoDAsync(stage.Values, stage.Host.Address, 4, stage.Stream));
        Assert.Equal(CuResult.StreamCaptureUnsupported, driver.StreamQuery(stage.Stream));
        Assert.Equal(CuResult.IllegalState, driver.StreamBeginCapture(stage.Stream, CuStreamCaptureMode.ThreadLocal));
        Assert.Equal(CuResult.StreamCaptureInvalidated, driver.StreamEndCapture(stage.Stream, out _));
        ContractDevice.Ok(stage.Launch(stage.Stream));
        device.Finish(stage.Stream);
    }

    private static CuStreamCaptureMode[] Modes =>
        [CuStreamCaptureMode.Global, CuStreamCaptureMode.ThreadLocal, CuStreamCaptureMode.Relaxed];
}
