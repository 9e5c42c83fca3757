using Troupe.Runtime.Cuda;

namespace Troupe.TestSupport.Cuda;

/// <summary>A driver that notes every call and every copied byte of the one it passes them on to: what a forward costs, on any
/// device.</summary>
/// <remarks>Launches of managed kernels are noted as launches. <b>Owns</b> the driver inside. <b>Thread</b> any. <b>Blocks</b> as the
/// driver inside does.</remarks>
internal sealed class CountingDriver(ICudaDriver inner) : ICudaDriver, IManagedLauncher
{
    private readonly Lock _lock = new();

    /// <summary>Told of each copy to the device before it is enqueued: source and bytes.</summary>
    public Action<nint, ulong>? OnCopyIn { get; set; }

    /// <summary>Told of each call by its name before its caller has the answer.</summary>
    public Action<string>? OnCall { get; set; }

    private DriverCalls _calls = new();

    /// <summary>Takes the calls noted so far and begins anew.</summary>
    public DriverCalls Take()
    {
        lock (_lock)
        {
            DriverCalls taken = _calls;
            _calls = new DriverCalls();
            return taken;
        }
    }

    public string ErrorName(CuResult status) => inner.ErrorName(status);

    public string ErrorString(CuResult status) => inner.ErrorString(status);

    public void Dispose() => inner.Dispose();

    public CuResult LaunchManaged(CuStream stream, ManagedKernel kernel) =>
        Counted(nameof(LaunchManaged), ((IManagedLauncher)inner).LaunchManaged(stream, kernel));

    public CuResult DriverGetVersion(out int version) => Counted(nameof(DriverGetVersion), inner.DriverGetVersion(out version));

    public CuResult DeviceGetCount(out int count) => Counted(nameof(DeviceGetCount), inner.DeviceGetCount(out count));

    public CuResult DeviceGet(out CuDevice device, int ordinal) => Counted(nameof(DeviceGet), inner.DeviceGet(out device, ordinal));

    public CuResult DeviceGetName(out string name, CuDevice device) =>
        Counted(nameof(DeviceGetName), inner.DeviceGetName(out name, device));

    public CuResult DeviceGetUuid(out Guid uuid, CuDevice device) => Counted(nameof(DeviceGetUuid), inner.DeviceGetUuid(out uuid, device));

    public CuResult DeviceTotalMem(out ulong bytes, CuDevice device) =>
        Counted(nameof(DeviceTotalMem), inner.DeviceTotalMem(out bytes, device));

    public CuResult DeviceGetAttribute(out int value, CuDeviceAttribute attribute, CuDevice device) =>
        Counted(nameof(DeviceGetAttribute), inner.DeviceGetAttribute(out value, attribute, device));

    public CuResult DeviceCanAccessPeer(out bool canAccess, CuDevice device, CuDevice peer) =>
        Counted(nameof(DeviceCanAccessPeer), inner.DeviceCanAccessPeer(out canAccess, device, peer));

    public CuResult DevicePrimaryCtxRetain(out CuContext context, CuDevice device) =>
        Counted(nameof(DevicePrimaryCtxRetain), inner.DevicePrimaryCtxRetain(out context, device));

    public CuResult DevicePrimaryCtxRelease(CuDevice device) =>
        Counted(nameof(DevicePrimaryCtxRelease), inner.DevicePrimaryCtxRelease(device));

    public CuResult DevicePrimaryCtxGetState(CuDevice device, out bool active) =>
        Counted(nameof(DevicePrimaryCtxGetState), inner.DevicePrimaryCtxGetState(device, out active));

    public CuResult CtxCreate(out CuContext context, CuDevice device) => Counted(nameof(CtxCreate), inner.CtxCreate(out context, device));

    public CuResult CtxDestroy(CuContext context) => Counted(nameof(CtxDestroy), inner.CtxDestroy(context));

    public CuResult CtxPushCurrent(CuContext context) => Counted(nameof(CtxPushCurrent), inner.CtxPushCurrent(context));

    public CuResult CtxPopCurrent(out CuContext context) => Counted(nameof(CtxPopCurrent), inner.CtxPopCurrent(out context));

    public CuResult CtxSetCurrent(CuContext context) => Counted(nameof(CtxSetCurrent), inner.CtxSetCurrent(context));

    public CuResult CtxGetCurrent(out CuContext context) => Counted(nameof(CtxGetCurrent), inner.CtxGetCurrent(out context));

    public CuResult CtxGetDevice(out CuDevice device) => Counted(nameof(CtxGetDevice), inner.CtxGetDevice(out device));

    public CuResult CtxSynchronize() => Counted(nameof(CtxSynchronize), inner.CtxSynchronize());

    public CuResult CtxEnablePeerAccess(CuContext peer) => Counted(nameof(CtxEnablePeerAccess), inner.CtxEnablePeerAccess(peer));

    public CuResult CtxDisablePeerAccess(CuContext peer) => Counted(nameof(CtxDisablePeerAccess), inner.CtxDisablePeerAccess(peer));

    public CuResult MemGetInfo(out ulong freeBytes, out ulong totalBytes) =>
        Counted(nameof(MemGetInfo), inner.MemGetInfo(out freeBytes, out totalBytes));

    public CuResult MemAlloc(out DevicePointer pointer, ulong bytes) => Counted(nameof(MemAlloc), inner.MemAlloc(out pointer, bytes));

    public CuResult MemFree(DevicePointer pointer) => Counted(nameof(MemFree), inner.MemFree(pointer));

    public CuResult MemHostAlloc(out HostPointer pointer, ulong bytes, CuMemHostAllocFlags flags)
    {
        lock (_lock)
        {
            _calls.Pinned.Add(bytes);
        }

        return Counted(nameof(MemHostAlloc), inner.MemHostAlloc(out pointer, bytes, flags));
    }

    public CuResult MemFreeHost(HostPointer pointer) => Counted(nameof(MemFreeHost), inner.MemFreeHost(pointer));

    public CuResult MemHostRegister(HostPointer pointer, ulong bytes) =>
        Counted(nameof(MemHostRegister), inner.MemHostRegister(pointer, bytes));

    public CuResult MemHostUnregister(HostPointer pointer) => Counted(nameof(MemHostUnregister), inner.MemHostUnregister(pointer));

    public CuResult PointerGetAttributes(out PointerAttributes attributes, DevicePointer pointer) =>
        Counted(nameof(PointerGetAttributes), inner.PointerGetAttributes(out attributes, pointer));

    public CuResult MemcpyHtoD(DevicePointer destination, nint source, ulong bytes) =>
        Copied(nameof(MemcpyHtoD), CopyKind.ToDevice, bytes, inner.MemcpyHtoD(destination, source, bytes));

    public CuResult MemcpyDtoH(nint destination, DevicePointer source, ulong bytes) =>
        Copied(nameof(MemcpyDtoH), CopyKind.ToHost, bytes, inner.MemcpyDtoH(destination, source, bytes));

    public CuResult MemcpyDtoD(DevicePointer destination, DevicePointer source, ulong bytes) =>
        Copied(nameof(MemcpyDtoD), CopyKind.OnDevice, bytes, inner.MemcpyDtoD(destination, source, bytes));

    public CuResult MemcpyHtoDAsync(DevicePointer destination, nint source, ulong bytes, CuStream stream)
    {
        OnCopyIn?.Invoke(source, bytes);
        return Copied(nameof(MemcpyHtoDAsync), CopyKind.ToDevice, bytes, inner.MemcpyHtoDAsync(destination, source, bytes, stream));
    }

    public CuResult MemcpyDtoHAsync(nint destination, DevicePointer source, ulong bytes, CuStream stream) =>
        Copied(nameof(MemcpyDtoHAsync), CopyKind.ToHost, bytes, inner.MemcpyDtoHAsync(destination, source, bytes, stream));

    public CuResult MemcpyDtoDAsync(DevicePointer destination, DevicePointer source, ulong bytes, CuStream stream) =>
        Copied(nameof(MemcpyDtoDAsync), CopyKind.OnDevice, bytes, inner.MemcpyDtoDAsync(destination, source, bytes, stream));

    public CuResult MemcpyPeerAsync(
        DevicePointer destination,
        CuContext destinationContext,
        DevicePointer source,
        CuContext sourceContext,
        ulong bytes,
        CuStream stream
    ) =>
        Copied(
            nameof(MemcpyPeerAsync),
            CopyKind.Peer,
            bytes,
            inner.MemcpyPeerAsync(destination, destinationContext, source, sourceContext, bytes, stream)
        );

    public CuResult MemsetD8Async(DevicePointer destination, byte value, ulong bytes, CuStream stream) =>
        Counted(nameof(MemsetD8Async), inner.MemsetD8Async(destination, value, bytes, stream));

    public CuResult MemsetD32Async(DevicePointer destination, uint value, ulong count, CuStream stream) =>
        Counted(nameof(MemsetD32Async), inner.MemsetD32Async(destination, value, count, stream));

    public CuResult StreamCreate(out CuStream stream, CuStreamFlags flags, int priority) =>
        Counted(nameof(StreamCreate), inner.StreamCreate(out stream, flags, priority));

    public CuResult StreamDestroy(CuStream stream) => Counted(nameof(StreamDestroy), inner.StreamDestroy(stream));

    public CuResult StreamQuery(CuStream stream) => Counted(nameof(StreamQuery), inner.StreamQuery(stream));

    public CuResult StreamSynchronize(CuStream stream) => Counted(nameof(StreamSynchronize), inner.StreamSynchronize(stream));

    public CuResult StreamGetCtx(CuStream stream, out CuContext context) =>
        Counted(nameof(StreamGetCtx), inner.StreamGetCtx(stream, out context));

    public CuResult StreamGetFlags(CuStream stream, out CuStreamFlags flags) =>
        Counted(nameof(StreamGetFlags), inner.StreamGetFlags(stream, out flags));

    public CuResult StreamWaitEvent(CuStream stream, CuEvent @event) =>
        Counted(nameof(StreamWaitEvent), inner.StreamWaitEvent(stream, @event));

    public CuResult LaunchHostFunc(CuStream stream, HostFunction function) =>
        Counted(nameof(LaunchHostFunc), inner.LaunchHostFunc(stream, function));

    public CuResult EventCreate(out CuEvent @event, CuEventFlags flags) =>
        Counted(nameof(EventCreate), inner.EventCreate(out @event, flags));

    public CuResult EventDestroy(CuEvent @event) => Counted(nameof(EventDestroy), inner.EventDestroy(@event));

    public CuResult EventRecord(CuEvent @event, CuStream stream) => Counted(nameof(EventRecord), inner.EventRecord(@event, stream));

    public CuResult EventQuery(CuEvent @event) => Counted(nameof(EventQuery), inner.EventQuery(@event));

    public CuResult EventSynchronize(CuEvent @event) => Counted(nameof(EventSynchronize), inner.EventSynchronize(@event));

    public CuResult EventElapsedTime(out float milliseconds, CuEvent start, CuEvent end) =>
        Counted(nameof(EventElapsedTime), inner.EventElapsedTime(out milliseconds, start, end));

    public CuResult StreamBeginCapture(CuStream stream, CuStreamCaptureMode mode) =>
        Counted(nameof(StreamBeginCapture), inner.StreamBeginCapture(stream, mode));

    public CuResult StreamEndCapture(CuStream stream, out CuGraph graph) =>
        Counted(nameof(StreamEndCapture), inner.StreamEndCapture(stream, out graph));

    public CuResult StreamGetCaptureInfo(CuStream stream, out CuStreamCaptureStatus status, out ulong captureId) =>
        Counted(nameof(StreamGetCaptureInfo), inner.StreamGetCaptureInfo(stream, out status, out captureId));

    public CuResult ThreadExchangeStreamCaptureMode(ref CuStreamCaptureMode mode) =>
        Counted(nameof(ThreadExchangeStreamCaptureMode), inner.ThreadExchangeStreamCaptureMode(ref mode));

    public CuResult GraphDestroy(CuGraph graph) => Counted(nameof(GraphDestroy), inner.GraphDestroy(graph));

    public CuResult GraphGetNodeCount(CuGraph graph, out int count) =>
        Counted(nameof(GraphGetNodeCount), inner.GraphGetNodeCount(graph, out count));

    public CuResult GraphInstantiate(out CuGraphExec executable, CuGraph graph, CuGraphInstantiateFlags flags) =>
        Counted(nameof(GraphInstantiate), inner.GraphInstantiate(out executable, graph, flags));

    public CuResult GraphExecUpdate(CuGraphExec executable, CuGraph graph, out CuGraphExecUpdateResult result) =>
        Counted(nameof(GraphExecUpdate), inner.GraphExecUpdate(executable, graph, out result));

    public CuResult GraphUpload(CuGraphExec executable, CuStream stream) =>
        Counted(nameof(GraphUpload), inner.GraphUpload(executable, stream));

    public CuResult GraphLaunch(CuGraphExec executable, CuStream stream) =>
        Counted(nameof(GraphLaunch), inner.GraphLaunch(executable, stream));

    public CuResult GraphExecDestroy(CuGraphExec executable) => Counted(nameof(GraphExecDestroy), inner.GraphExecDestroy(executable));

    public CuResult GraphDebugDotPrint(CuGraph graph, string path) =>
        Counted(nameof(GraphDebugDotPrint), inner.GraphDebugDotPrint(graph, path));

    public CuResult ModuleLoadData(out CuModule module, ReadOnlySpan<byte> image, out string jitLog) =>
        Counted(nameof(ModuleLoadData), inner.ModuleLoadData(out module, image, out jitLog));

    public CuResult ModuleUnload(CuModule module) => Counted(nameof(ModuleUnload), inner.ModuleUnload(module));

    public CuResult ModuleGetFunction(out CuFunction function, CuModule module, string name) =>
        Counted(nameof(ModuleGetFunction), inner.ModuleGetFunction(out function, module, name));

    public CuResult FuncGetAttribute(out int value, CuFunctionAttribute attribute, CuFunction function) =>
        Counted(nameof(FuncGetAttribute), inner.FuncGetAttribute(out value, attribute, function));

    public CuResult FuncSetAttribute(CuFunction function, CuFunctionAttribute attribute, int value) =>
        Counted(nameof(FuncSetAttribute), inner.FuncSetAttribute(function, attribute, value));

    public CuResult LaunchKernel(
        CuFunction function,
        Dim3 grid,
        Dim3 block,
        uint sharedBytes,
        CuStream stream,
        ReadOnlySpan<byte> arguments,
        ReadOnlySpan<int> argumentSizes
    ) => Counted(nameof(LaunchKernel), inner.LaunchKernel(function, grid, block, sharedBytes, stream, arguments, argumentSizes));

    private CuResult Counted(string call, CuResult status)
    {
        lock (_lock)
        {
            _calls.Add(call);
        }

        OnCall?.Invoke(call);
        return status;
    }

    private CuResult Copied(string call, CopyKind kind, ulong bytes, CuResult status)
    {
        lock (_lock)
        {
            _calls.Add(call, kind, bytes);
        }

        return status;
    }
}
