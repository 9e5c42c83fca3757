using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>What the capture tests need ready before a capture begins, and how each call of the table is made.</summary>
internal sealed class CaptureStage
{
    private readonly ContractDevice _device;
    private readonly CuFunction _fill;
    private readonly CuEvent _recorded;
    private readonly CuEvent _never;
    private readonly CuEvent _timed;
    private readonly CuGraph _graph;
    private readonly CuGraphExec _executable;
    private readonly DevicePointer _spare;

    public CaptureStage(ContractDevice device)
    {
        _device = device;
        ICudaDriver driver = device.Driver;
        Stream = device.Stream();
        Other = device.Stream();
        Event = device.Event();
        _recorded = device.Event();
        _never = device.Event();
        _timed = device.Event(CuEventFlags.Default);
        Values = device.Memory(64);
        OtherValues = device.Memory(64);
        Host = device.Pinned(64);
        _fill = device.Function(ContractKernels.Fill);
        ContractDevice.Ok(driver.MemAlloc(out _spare, 64));
        device.AtEnd(() => driver.MemFree(_spare));
        ContractDevice.Ok(driver.StreamBeginCapture(Other, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(Launch(Other));
        ContractDevice.Ok(driver.StreamEndCapture(Other, out _graph));
        device.AtEnd(() => driver.GraphDestroy(_graph));
        ContractDevice.Ok(driver.GraphInstantiate(out _executable, _graph, CuGraphInstantiateFlags.None));
        device.AtEnd(() => driver.GraphExecDestroy(_executable));
        ContractDevice.Ok(driver.EventRecord(_recorded, Other));
        ContractDevice.Ok(driver.StreamSynchronize(Other));
    }

    public CuStream Stream { get; }

    public CuStream Other { get; }

    public CuEvent Event { get; }

    public DevicePointer Values { get; }

    public DevicePointer OtherValues { get; }

    public HostPointer Host { get; }

    /// <summary>Launches a kernel; each stream writes its own memory.</summary>
    public CuResult Launch(CuStream stream) => _device.LaunchFill(_fill, stream, stream == Stream ? Values : OtherValues, 1, 4);

    /// <summary>Brings the other stream into the capture.</summary>
    public void Fork()
    {
        ContractDevice.Ok(_device.Driver.EventRecord(Event, Stream));
        ContractDevice.Ok(_device.Driver.StreamWaitEvent(Other, Event));
    }

    public CuResult Make(CaptureCall call)
    {
        ICudaDriver driver = _device.Driver;
        return call switch
        {
            CaptureCall.MemAlloc => Undo(driver.MemAlloc(out DevicePointer pointer, 64), () => driver.MemFree(pointer)),
            CaptureCall.MemFree => driver.MemFree(_spare),
            CaptureCall.MemHostAlloc => Undo(
                driver.MemHostAlloc(out HostPointer host, 64, CuMemHostAllocFlags.None),
                () => driver.MemFreeHost(host)
            ),
            CaptureCall.EventQuery => driver.EventQuery(_recorded),
            CaptureCall.EventSynchronize => driver.EventSynchronize(_recorded),
            CaptureCall.QueryOtherStream => driver.StreamQuery(Other),
            CaptureCall.SynchronizeOtherStream => driver.StreamSynchronize(Other),
            CaptureCall.Instantiate => Undo(
                driver.GraphInstantiate(out CuGraphExec made, _graph, CuGraphInstantiateFlags.None),
                () => driver.GraphExecDestroy(made)
            ),
            CaptureCall.SynchronizeContext => driver.CtxSynchronize(),
            CaptureCall.QueryThisStream => driver.StreamQuery(Stream),
            CaptureCall.SynchronizeThisStream => driver.StreamSynchronize(Stream),
            CaptureCall.FlagsOfThisStream => driver.StreamGetFlags(Stream, out _),
            CaptureCall.LaunchGraphHere => driver.GraphLaunch(_executable, Stream),
            CaptureCall.UploadGraphHere => driver.GraphUpload(_executable, Stream),
            CaptureCall.WaitForWorkOutside => driver.StreamWaitEvent(Stream, _recorded),
            CaptureCall.QueryCapturedEvent => Captured(Event, () => driver.EventQuery(Event)),
            CaptureCall.SynchronizeCapturedEvent => Captured(Event, () => driver.EventSynchronize(Event)),
            CaptureCall.ElapsedOfCapturedEvent => Captured(_timed, () => driver.EventElapsedTime(out _, _timed, _timed)),
            CaptureCall.LaunchEmptyGrid => _device.LaunchFill(_fill, Stream, Values, 1, 0),
            CaptureCall.CopyNow => driver.MemcpyHtoD(Values, Host.Address, 64),
            CaptureCall.CreateStream => Undo(
                driver.StreamCreate(out CuStream stream, CuStreamFlags.NonBlocking, 0),
                () => driver.StreamDestroy(stream)
            ),
            CaptureCall.CreateEvent => Undo(
                driver.EventCreate(out CuEvent @event, CuEventFlags.Default),
                () => driver.EventDestroy(@event)
            ),
            CaptureCall.RecordOnOtherStream => driver.EventRecord(_recorded, Other),
            CaptureCall.LoadImage => Undo(
                driver.ModuleLoadData(out CuModule image, ContractKernels.Ptx, out _),
                () => driver.ModuleUnload(image)
            ),
            CaptureCall.LaunchGraphElsewhere => driver.GraphLaunch(_executable, Other),
            CaptureCall.UploadGraphElsewhere => driver.GraphUpload(_executable, Other),
            CaptureCall.LaunchOnOtherStream => Launch(Other),
            CaptureCall.MemoryInfo => driver.MemGetInfo(out _, out _),
            CaptureCall.RetainPrimary => Undo(
                driver.DevicePrimaryCtxRetain(out _, _device.Device),
                () => driver.DevicePrimaryCtxRelease(_device.Device)
            ),
            CaptureCall.ContextOfThisStream => driver.StreamGetCtx(Stream, out _),
            CaptureCall.WaitForNeverRecorded => driver.StreamWaitEvent(Stream, _never),
            CaptureCall.CaptureOtherStream => CaptureOther(),
            CaptureCall.UpdateExecutable => driver.GraphExecUpdate(_executable, _graph, out _),
            CaptureCall.CopyToBadAddress => driver.MemcpyHtoDAsync(new DevicePointer(12345), Host.Address, 4, Stream),
            CaptureCall.BeginAgain => driver.StreamBeginCapture(Stream, CuStreamCaptureMode.ThreadLocal),
        };
    }

    private CuResult Undo(CuResult status, Action undo)
    {
        if (status == CuResult.Success)
        {
            _device.AtEnd(undo);
        }

        return status;
    }

    private CuResult Captured(CuEvent @event, Func<CuResult> call)
    {
        ContractDevice.Ok(_device.Driver.EventRecord(@event, Stream));
        return call();
    }

    private CuResult CaptureOther()
    {
        CuResult status = _device.Driver.StreamBeginCapture(Other, CuStreamCaptureMode.ThreadLocal);
        Assert.Equal(CuResult.Success, _device.Driver.StreamEndCapture(Other, out CuGraph graph));
        ContractDevice.Ok(_device.Driver.GraphDestroy(graph));
        return status;
    }
}
