namespace Troupe.Runtime.Cuda;

/// <summary>
/// The small part of the CUDA driver API that Troupe uses, as a port: real devices, emulated devices and other bindings implement it,
/// and one contract suite runs against each.
/// </summary>
/// <remarks>
/// Names, arguments and verdicts are those of the driver API (source: CUDA driver API reference); each call returns its status and
/// throws nothing. Callers check at once with <c>ThrowIfFailed</c>. Sizes are bytes. Nothing here allocates managed memory in steady
/// state. <b>Thread</b> any; "current context" is per thread. <b>Blocks</b> only the <c>…Synchronize</c> and synchronous copy calls.
/// A null stream answers <see cref="CuResult.InvalidHandle"/> everywhere: there the port is stricter than CUDA.
/// </remarks>
internal interface ICudaDriver : IDisposable
{
    /// <summary>Driver version as CUDA reports it, e.g. 13000 for 13.0.</summary>
    CuResult DriverGetVersion(out int version);

    string ErrorName(CuResult status);

    string ErrorString(CuResult status);

    // Devices
    CuResult DeviceGetCount(out int count);
    CuResult DeviceGet(out CuDevice device, int ordinal);
    CuResult DeviceGetName(out string name, CuDevice device);
    CuResult DeviceGetUuid(out Guid uuid, CuDevice device);
    CuResult DeviceTotalMem(out ulong bytes, CuDevice device);
    CuResult DeviceGetAttribute(out int value, CuDeviceAttribute attribute, CuDevice device);
    CuResult DeviceCanAccessPeer(out bool canAccess, CuDevice device, CuDevice peer);

    // Device contexts. Troupe itself uses primary contexts only; created ones exist because callers may have them.
    CuResult DevicePrimaryCtxRetain(out CuContext context, CuDevice device);
    CuResult DevicePrimaryCtxRelease(CuDevice device);
    CuResult DevicePrimaryCtxGetState(CuDevice device, out bool active);
    CuResult CtxCreate(out CuContext context, CuDevice device);
    CuResult CtxDestroy(CuContext context);
    CuResult CtxPushCurrent(CuContext context);
    CuResult CtxPopCurrent(out CuContext context);
    CuResult CtxSetCurrent(CuContext context);
    CuResult CtxGetCurrent(out CuContext context);
    CuResult CtxGetDevice(out CuDevice device);
    CuResult CtxSynchronize();
    CuResult CtxEnablePeerAccess(CuContext peer);
    CuResult CtxDisablePeerAccess(CuContext peer);

    // Memory
    CuResult MemGetInfo(out ulong freeBytes, out ulong totalBytes);
    CuResult MemAlloc(out DevicePointer pointer, ulong bytes);
    CuResult MemFree(DevicePointer pointer);
    CuResult MemHostAlloc(out HostPointer pointer, ulong bytes, CuMemHostAllocFlags flags);
    CuResult MemFreeHost(HostPointer pointer);
    CuResult MemHostRegister(HostPointer pointer, ulong bytes);
    CuResult MemHostUnregister(HostPointer pointer);
    CuResult PointerGetAttributes(out PointerAttributes attributes, DevicePointer pointer);

    // Copies and fills. Host addresses may be pinned or pageable; the caller keeps them valid and fixed until the work is done.
    CuResult MemcpyHtoD(DevicePointer destination, nint source, ulong bytes);
    CuResult MemcpyDtoH(nint destination, DevicePointer source, ulong bytes);
    CuResult MemcpyDtoD(DevicePointer destination, DevicePointer source, ulong bytes);
    CuResult MemcpyHtoDAsync(DevicePointer destination, nint source, ulong bytes, CuStream stream);
    CuResult MemcpyDtoHAsync(nint destination, DevicePointer source, ulong bytes, CuStream stream);
    CuResult MemcpyDtoDAsync(DevicePointer destination, DevicePointer source, ulong bytes, CuStream stream);
    CuResult MemcpyPeerAsync(
        DevicePointer destination,
        CuContext destinationContext,
        DevicePointer source,
        CuContext sourceContext,
        ulong bytes,
        CuStream stream
    );
    CuResult MemsetD8Async(DevicePointer destination, byte value, ulong bytes, CuStream stream);
    CuResult MemsetD32Async(DevicePointer destination, uint value, ulong count, CuStream stream);

    // Streams
    CuResult StreamCreate(out CuStream stream, CuStreamFlags flags, int priority);
    CuResult StreamDestroy(CuStream stream);
    CuResult StreamQuery(CuStream stream);
    CuResult StreamSynchronize(CuStream stream);
    CuResult StreamGetCtx(CuStream stream, out CuContext context);
    CuResult StreamGetFlags(CuStream stream, out CuStreamFlags flags);
    CuResult StreamWaitEvent(CuStream stream, CuEvent @event);
    CuResult LaunchHostFunc(CuStream stream, HostFunction function);

    // Events
    CuResult EventCreate(out CuEvent @event, CuEventFlags flags);
    CuResult EventDestroy(CuEvent @event);
    CuResult EventRecord(CuEvent @event, CuStream stream);
    CuResult EventQuery(CuEvent @event);
    CuResult EventSynchronize(CuEvent @event);
    CuResult EventElapsedTime(out float milliseconds, CuEvent start, CuEvent end);

    // Capture and graphs
    CuResult StreamBeginCapture(CuStream stream, CuStreamCaptureMode mode);
    CuResult StreamEndCapture(CuStream stream, out CuGraph graph);
    CuResult StreamGetCaptureInfo(CuStream stream, out CuStreamCaptureStatus status, out ulong captureId);
    CuResult ThreadExchangeStreamCaptureMode(ref CuStreamCaptureMode mode);
    CuResult GraphDestroy(CuGraph graph);
    CuResult GraphGetNodeCount(CuGraph graph, out int count);
    CuResult GraphInstantiate(out CuGraphExec executable, CuGraph graph, CuGraphInstantiateFlags flags);
    CuResult GraphExecUpdate(CuGraphExec executable, CuGraph graph, out CuGraphExecUpdateResult result);
    CuResult GraphUpload(CuGraphExec executable, CuStream stream);
    CuResult GraphLaunch(CuGraphExec executable, CuStream stream);
    CuResult GraphExecDestroy(CuGraphExec executable);
    CuResult GraphDebugDotPrint(CuGraph graph, string path);

    // Kernels. `jitLog` is the compiler's text when the image is refused, else empty.
    CuResult ModuleLoadData(out CuModule module, ReadOnlySpan<byte> image, out string jitLog);
    CuResult ModuleUnload(CuModule module);
    CuResult ModuleGetFunction(out CuFunction function, CuModule module, string name);
    CuResult FuncGetAttribute(out int value, CuFunctionAttribute attribute, CuFunction function);
    CuResult FuncSetAttribute(CuFunction function, CuFunctionAttribute attribute, int value);

    /// <summary>Launches a kernel. <paramref name="arguments"/> holds the values back to back, each at its natural alignment;
    /// <paramref name="argumentSizes"/> their sizes. Copied at enqueue.</summary>
    CuResult LaunchKernel(
        CuFunction function,
        Dim3 grid,
        Dim3 block,
        uint sharedBytes,
        CuStream stream,
        ReadOnlySpan<byte> arguments,
        ReadOnlySpan<int> argumentSizes
    );
}

/// <summary>What emulated devices add to the port: launching managed code as a kernel. Real devices do not have it, so CPU engines cannot
/// reach them by mistake.</summary>
internal interface IManagedLauncher
{
    CuResult LaunchManaged(CuStream stream, ManagedKernel kernel);
}
