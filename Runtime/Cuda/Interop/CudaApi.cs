// Binding: function pointers from cuGetProcAddress_v2, each symbol asked for with the CUDA version whose signature stands here
// (cudaTypedefs.h lists them). A driver that is newer keeps serving that signature; the import table never changes meaning.
namespace Troupe.Runtime.Cuda.Interop;

/// <summary>The entry points of the CUDA driver, by the vendor's names. Filled once; every slot is non-null.</summary>
/// <remarks>The file is long because the table is: one field and one line of the constructor per symbol of the port.</remarks>
internal sealed unsafe class CudaApi
{
    public readonly delegate* unmanaged[Cdecl]<uint, CuResult> cuInit;
    public readonly delegate* unmanaged[Cdecl]<int*, CuResult> cuDriverGetVersion;
    public readonly delegate* unmanaged[Cdecl]<CuResult, byte**, CuResult> cuGetErrorName;
    public readonly delegate* unmanaged[Cdecl]<CuResult, byte**, CuResult> cuGetErrorString;

    public readonly delegate* unmanaged[Cdecl]<int*, CuResult> cuDeviceGetCount;
    public readonly delegate* unmanaged[Cdecl]<CuDevice*, int, CuResult> cuDeviceGet;
    public readonly delegate* unmanaged[Cdecl]<byte*, int, CuDevice, CuResult> cuDeviceGetName;
    public readonly delegate* unmanaged[Cdecl]<byte*, CuDevice, CuResult> cuDeviceGetUuid;
    public readonly delegate* unmanaged[Cdecl]<ulong*, CuDevice, CuResult> cuDeviceTotalMem;
    public readonly delegate* unmanaged[Cdecl]<int*, CuDeviceAttribute, CuDevice, CuResult> cuDeviceGetAttribute;
    public readonly delegate* unmanaged[Cdecl]<int*, CuDevice, CuDevice, CuResult> cuDeviceCanAccessPeer;

    public readonly delegate* unmanaged[Cdecl]<CuContext*, CuDevice, CuResult> cuDevicePrimaryCtxRetain;
    public readonly delegate* unmanaged[Cdecl]<CuDevice, CuResult> cuDevicePrimaryCtxRelease;
    public readonly delegate* unmanaged[Cdecl]<CuDevice, uint*, int*, CuResult> cuDevicePrimaryCtxGetState;
    public readonly delegate* unmanaged[Cdecl]<CuContext*, uint, CuDevice, CuResult> cuCtxCreate;
    public readonly delegate* unmanaged[Cdecl]<CuContext, CuResult> cuCtxDestroy;
    public readonly delegate* unmanaged[Cdecl]<CuContext, CuResult> cuCtxPushCurrent;
    public readonly delegate* unmanaged[Cdecl]<CuContext*, CuResult> cuCtxPopCurrent;
    public readonly delegate* unmanaged[Cdecl]<CuContext, CuResult> cuCtxSetCurrent;
    public readonly delegate* unmanaged[Cdecl]<CuContext*, CuResult> cuCtxGetCurrent;
    public readonly delegate* unmanaged[Cdecl]<CuDevice*, CuResult> cuCtxGetDevice;
    public readonly delegate* unmanaged[Cdecl]<CuResult> cuCtxSynchronize;
    public readonly delegate* unmanaged[Cdecl]<CuContext, uint, CuResult> cuCtxEnablePeerAccess;
    public readonly delegate* unmanaged[Cdecl]<CuContext, CuResult> cuCtxDisablePeerAccess;

    public readonly delegate* unmanaged[Cdecl]<ulong*, ulong*, CuResult> cuMemGetInfo;
    public readonly delegate* unmanaged[Cdecl]<DevicePointer*, ulong, CuResult> cuMemAlloc;
    public readonly delegate* unmanaged[Cdecl]<DevicePointer, CuResult> cuMemFree;
    public readonly delegate* unmanaged[Cdecl]<HostPointer*, ulong, CuMemHostAllocFlags, CuResult> cuMemHostAlloc;
    public readonly delegate* unmanaged[Cdecl]<HostPointer, CuResult> cuMemFreeHost;
    public readonly delegate* unmanaged[Cdecl]<HostPointer, ulong, uint, CuResult> cuMemHostRegister;
    public readonly delegate* unmanaged[Cdecl]<HostPointer, CuResult> cuMemHostUnregister;
    public readonly delegate* unmanaged[Cdecl]<uint, CUpointer_attribute*, void**, DevicePointer, CuResult> cuPointerGetAttributes;

    public readonly delegate* unmanaged[Cdecl]<DevicePointer, nint, ulong, CuResult> cuMemcpyHtoD;
    public readonly delegate* unmanaged[Cdecl]<nint, DevicePointer, ulong, CuResult> cuMemcpyDtoH;
    public readonly delegate* unmanaged[Cdecl]<DevicePointer, DevicePointer, ulong, CuResult> cuMemcpyDtoD;
    public readonly delegate* unmanaged[Cdecl]<DevicePointer, nint, ulong, CuStream, CuResult> cuMemcpyHtoDAsync;
    public readonly delegate* unmanaged[Cdecl]<nint, DevicePointer, ulong, CuStream, CuResult> cuMemcpyDtoHAsync;
    public readonly delegate* unmanaged[Cdecl]<DevicePointer, DevicePointer, ulong, CuStream, CuResult> cuMemcpyDtoDAsync;
    public readonly delegate* unmanaged[Cdecl]<
        DevicePointer,
        CuContext,
        DevicePointer,
        CuContext,
        ulong,
        CuStream,
        CuResult> cuMemcpyPeerAsync;
    public readonly delegate* unmanaged[Cdecl]<DevicePointer, byte, ulong, CuStream, CuResult> cuMemsetD8Async;
    public readonly delegate* unmanaged[Cdecl]<DevicePointer, uint, ulong, CuStream, CuResult> cuMemsetD32Async;

    public readonly delegate* unmanaged[Cdecl]<CuStream*, CuStreamFlags, int, CuResult> cuStreamCreateWithPriority;
    public readonly delegate* unmanaged[Cdecl]<CuStream, CuResult> cuStreamDestroy;
    public readonly delegate* unmanaged[Cdecl]<CuStream, CuResult> cuStreamQuery;
    public readonly delegate* unmanaged[Cdecl]<CuStream, CuResult> cuStreamSynchronize;
    public readonly delegate* unmanaged[Cdecl]<CuStream, CuContext*, CuResult> cuStreamGetCtx;
    public readonly delegate* unmanaged[Cdecl]<CuStream, CuStreamFlags*, CuResult> cuStreamGetFlags;
    public readonly delegate* unmanaged[Cdecl]<CuStream, CuEvent, uint, CuResult> cuStreamWaitEvent;
    public readonly delegate* unmanaged[Cdecl]<CuStream, nint, nint, CuResult> cuLaunchHostFunc;

    public readonly delegate* unmanaged[Cdecl]<CuEvent*, CuEventFlags, CuResult> cuEventCreate;
    public readonly delegate* unmanaged[Cdecl]<CuEvent, CuResult> cuEventDestroy;
    public readonly delegate* unmanaged[Cdecl]<CuEvent, CuStream, CuResult> cuEventRecord;
    public readonly delegate* unmanaged[Cdecl]<CuEvent, CuResult> cuEventQuery;
    public readonly delegate* unmanaged[Cdecl]<CuEvent, CuResult> cuEventSynchronize;
    public readonly delegate* unmanaged[Cdecl]<float*, CuEvent, CuEvent, CuResult> cuEventElapsedTime;

    public readonly delegate* unmanaged[Cdecl]<CuStream, CuStreamCaptureMode, CuResult> cuStreamBeginCapture;
    public readonly delegate* unmanaged[Cdecl]<CuStream, CuGraph*, CuResult> cuStreamEndCapture;
    public readonly delegate* unmanaged[Cdecl]<
        CuStream,
        CuStreamCaptureStatus*,
        ulong*,
        CuGraph*,
        void**,
        ulong*,
        CuResult> cuStreamGetCaptureInfo;
    public readonly delegate* unmanaged[Cdecl]<CuStreamCaptureMode*, CuResult> cuThreadExchangeStreamCaptureMode;
    public readonly delegate* unmanaged[Cdecl]<CuGraph, CuResult> cuGraphDestroy;
    public readonly delegate* unmanaged[Cdecl]<CuGraph, nint*, ulong*, CuResult> cuGraphGetNodes;
    public readonly delegate* unmanaged[Cdecl]<CuGraphExec*, CuGraph, CuGraphInstantiateFlags, CuResult> cuGraphInstantiateWithFlags;
    public readonly delegate* unmanaged[Cdecl]<CuGraphExec, CuGraph, CUgraphExecUpdateResultInfo*, CuResult> cuGraphExecUpdate;
    public readonly delegate* unmanaged[Cdecl]<CuGraphExec, CuStream, CuResult> cuGraphUpload;
    public readonly delegate* unmanaged[Cdecl]<CuGraphExec, CuStream, CuResult> cuGraphLaunch;
    public readonly delegate* unmanaged[Cdecl]<CuGraphExec, CuResult> cuGraphExecDestroy;
    public readonly delegate* unmanaged[Cdecl]<CuGraph, byte*, uint, CuResult> cuGraphDebugDotPrint;

    public readonly delegate* unmanaged[Cdecl]<CuModule*, void*, uint, CUjit_option*, void**, CuResult> cuModuleLoadDataEx;
    public readonly delegate* unmanaged[Cdecl]<CuModule, CuResult> cuModuleUnload;
    public readonly delegate* unmanaged[Cdecl]<CuFunction*, CuModule, byte*, CuResult> cuModuleGetFunction;
    public readonly delegate* unmanaged[Cdecl]<int*, CuFunctionAttribute, CuFunction, CuResult> cuFuncGetAttribute;
    public readonly delegate* unmanaged[Cdecl]<CuFunction, CuFunctionAttribute, int, CuResult> cuFuncSetAttribute;
    public readonly delegate* unmanaged[Cdecl]<
        CuFunction,
        uint,
        uint,
        uint,
        uint,
        uint,
        uint,
        uint,
        CuStream,
        void**,
        void**,
        CuResult> cuLaunchKernel;

    public CudaApi(CudaSymbols symbols)
    {
        cuInit = (delegate* unmanaged[Cdecl]<uint, CuResult>)symbols.Find("cuInit", 2000);
        cuDriverGetVersion = (delegate* unmanaged[Cdecl]<int*, CuResult>)symbols.Find("cuDriverGetVersion", 2020);
        cuGetErrorName = (delegate* unmanaged[Cdecl]<CuResult, byte**, CuResult>)symbols.Find("cuGetErrorName", 6000);
        cuGetErrorString = (delegate* unmanaged[Cdecl]<CuResult, byte**, CuResult>)symbols.Find("cuGetErrorString", 6000);
        cuDeviceGetCount = (delegate* unmanaged[Cdecl]<int*, CuResult>)symbols.Find("cuDeviceGetCount", 2000);
        cuDeviceGet = (delegate* unmanaged[Cdecl]<CuDevice*, int, CuResult>)symbols.Find("cuDeviceGet", 2000);
        cuDeviceGetName = (delegate* unmanaged[Cdecl]<byte*, int, CuDevice, CuResult>)symbols.Find("cuDeviceGetName", 2000);
        cuDeviceGetUuid = (delegate* unmanaged[Cdecl]<byte*, CuDevice, CuResult>)symbols.Find("cuDeviceGetUuid", 11040);
        cuDeviceTotalMem = (delegate* unmanaged[Cdecl]<ulong*, CuDevice, CuResult>)symbols.Find("cuDeviceTotalMem", 3020);
        cuDeviceGetAttribute = (delegate* unmanaged[Cdecl]<int*, CuDeviceAttribute, CuDevice, CuResult>)
            symbols.Find("cuDeviceGetAttribute", 2000);
        cuDeviceCanAccessPeer = (delegate* unmanaged[Cdecl]<int*, CuDevice, CuDevice, CuResult>)symbols.Find("cuDeviceCanAccessPeer", 4000);
        cuDevicePrimaryCtxRetain = (delegate* unmanaged[Cdecl]<CuContext*, CuDevice, CuResult>)
            symbols.Find("cuDevicePrimaryCtxRetain", 7000);
        cuDevicePrimaryCtxRelease = (delegate* unmanaged[Cdecl]<CuDevice, CuResult>)symbols.Find("cuDevicePrimaryCtxRelease", 11000);
        cuDevicePrimaryCtxGetState = (delegate* unmanaged[Cdecl]<CuDevice, uint*, int*, CuResult>)
            symbols.Find("cuDevicePrimaryCtxGetState", 7000);
        cuCtxCreate = (delegate* unmanaged[Cdecl]<CuContext*, uint, CuDevice, CuResult>)symbols.Find("cuCtxCreate", 3020);
        cuCtxDestroy = (delegate* unmanaged[Cdecl]<CuContext, CuResult>)symbols.Find("cuCtxDestroy", 4000);
        cuCtxPushCurrent = (delegate* unmanaged[Cdecl]<CuContext, CuResult>)symbols.Find("cuCtxPushCurrent", 4000);
        cuCtxPopCurrent = (delegate* unmanaged[Cdecl]<CuContext*, CuResult>)symbols.Find("cuCtxPopCurrent", 4000);
        cuCtxSetCurrent = (delegate* unmanaged[Cdecl]<CuContext, CuResult>)symbols.Find("cuCtxSetCurrent", 4000);
        cuCtxGetCurrent = (delegate* unmanaged[Cdecl]<CuContext*, CuResult>)symbols.Find("cuCtxGetCurrent", 4000);
        cuCtxGetDevice = (delegate* unmanaged[Cdecl]<CuDevice*, CuResult>)symbols.Find("cuCtxGetDevice", 2000);
        cuCtxSynchronize = (delegate* unmanaged[Cdecl]<CuResult>)symbols.Find("cuCtxSynchronize", 2000);
        cuCtxEnablePeerAccess = (delegate* unmanaged[Cdecl]<CuContext, uint, CuResult>)symbols.Find("cuCtxEnablePeerAccess", 4000);
        cuCtxDisablePeerAccess = (delegate* unmanaged[Cdecl]<CuContext, CuResult>)symbols.Find("cuCtxDisablePeerAccess", 4000);
        cuMemGetInfo = (delegate* unmanaged[Cdecl]<ulong*, ulong*, CuResult>)symbols.Find("cuMemGetInfo", 3020);
        cuMemAlloc = (delegate* unmanaged[Cdecl]<DevicePointer*, ulong, CuResult>)symbols.Find("cuMemAlloc", 3020);
        cuMemFree = (delegate* unmanaged[Cdecl]<DevicePointer, CuResult>)symbols.Find("cuMemFree", 3020);
        cuMemHostAlloc = (delegate* unmanaged[Cdecl]<HostPointer*, ulong, CuMemHostAllocFlags, CuResult>)
            symbols.Find("cuMemHostAlloc", 2020);
        cuMemFreeHost = (delegate* unmanaged[Cdecl]<HostPointer, CuResult>)symbols.Find("cuMemFreeHost", 2000);
        cuMemHostRegister = (delegate* unmanaged[Cdecl]<HostPointer, ulong, uint, CuResult>)symbols.Find("cuMemHostRegister", 6050);
        cuMemHostUnregister = (delegate* unmanaged[Cdecl]<HostPointer, CuResult>)symbols.Find("cuMemHostUnregister", 4000);
        cuPointerGetAttributes = (delegate* unmanaged[Cdecl]<uint, CUpointer_attribute*, void**, DevicePointer, CuResult>)
            symbols.Find("cuPointerGetAttributes", 7000);
        cuMemcpyHtoD = (delegate* unmanaged[Cdecl]<DevicePointer, nint, ulong, CuResult>)symbols.Find("cuMemcpyHtoD", 3020);
        cuMemcpyDtoH = (delegate* unmanaged[Cdecl]<nint, DevicePointer, ulong, CuResult>)symbols.Find("cuMemcpyDtoH", 3020);
        cuMemcpyDtoD = (delegate* unmanaged[Cdecl]<DevicePointer, DevicePointer, ulong, CuResult>)symbols.Find("cuMemcpyDtoD", 3020);
        cuMemcpyHtoDAsync = (delegate* unmanaged[Cdecl]<DevicePointer, nint, ulong, CuStream, CuResult>)
            symbols.Find("cuMemcpyHtoDAsync", 3020);
        cuMemcpyDtoHAsync = (delegate* unmanaged[Cdecl]<nint, DevicePointer, ulong, CuStream, CuResult>)
            symbols.Find("cuMemcpyDtoHAsync", 3020);
        cuMemcpyDtoDAsync = (delegate* unmanaged[Cdecl]<DevicePointer, DevicePointer, ulong, CuStream, CuResult>)
            symbols.Find("cuMemcpyDtoDAsync", 3020);
        cuMemcpyPeerAsync = (delegate* unmanaged[Cdecl]<DevicePointer, CuContext, DevicePointer, CuContext, ulong, CuStream, CuResult>)
            symbols.Find("cuMemcpyPeerAsync", 4000);
        cuMemsetD8Async = (delegate* unmanaged[Cdecl]<DevicePointer, byte, ulong, CuStream, CuResult>)symbols.Find("cuMemsetD8Async", 3020);
        cuMemsetD32Async = (delegate* unmanaged[Cdecl]<DevicePointer, uint, ulong, CuStream, CuResult>)
            symbols.Find("cuMemsetD32Async", 3020);
        cuStreamCreateWithPriority = (delegate* unmanaged[Cdecl]<CuStream*, CuStreamFlags, int, CuResult>)
            symbols.Find("cuStreamCreateWithPriority", 5050);
        cuStreamDestroy = (delegate* unmanaged[Cdecl]<CuStream, CuResult>)symbols.Find("cuStreamDestroy", 4000);
        cuStreamQuery = (delegate* unmanaged[Cdecl]<CuStream, CuResult>)symbols.Find("cuStreamQuery", 2000);
        cuStreamSynchronize = (delegate* unmanaged[Cdecl]<CuStream, CuResult>)symbols.Find("cuStreamSynchronize", 2000);
        cuStreamGetCtx = (delegate* unmanaged[Cdecl]<CuStream, CuContext*, CuResult>)symbols.Find("cuStreamGetCtx", 9020);
        cuStreamGetFlags = (delegate* unmanaged[Cdecl]<CuStream, CuStreamFlags*, CuResult>)symbols.Find("cuStreamGetFlags", 5050);
        cuStreamWaitEvent = (delegate* unmanaged[Cdecl]<CuStream, CuEvent, uint, CuResult>)symbols.Find("cuStreamWaitEvent", 3020);
        cuLaunchHostFunc = (delegate* unmanaged[Cdecl]<CuStream, nint, nint, CuResult>)symbols.Find("cuLaunchHostFunc", 10000);
        cuEventCreate = (delegate* unmanaged[Cdecl]<CuEvent*, CuEventFlags, CuResult>)symbols.Find("cuEventCreate", 2000);
        cuEventDestroy = (delegate* unmanaged[Cdecl]<CuEvent, CuResult>)symbols.Find("cuEventDestroy", 4000);
        cuEventRecord = (delegate* unmanaged[Cdecl]<CuEvent, CuStream, CuResult>)symbols.Find("cuEventRecord", 2000);
        cuEventQuery = (delegate* unmanaged[Cdecl]<CuEvent, CuResult>)symbols.Find("cuEventQuery", 2000);
        cuEventSynchronize = (delegate* unmanaged[Cdecl]<CuEvent, CuResult>)symbols.Find("cuEventSynchronize", 2000);
        cuEventElapsedTime = (delegate* unmanaged[Cdecl]<float*, CuEvent, CuEvent, CuResult>)symbols.Find("cuEventElapsedTime", 2000);
        cuStreamBeginCapture = (delegate* unmanaged[Cdecl]<CuStream, CuStreamCaptureMode, CuResult>)
            symbols.Find("cuStreamBeginCapture", 10010);
        cuStreamEndCapture = (delegate* unmanaged[Cdecl]<CuStream, CuGraph*, CuResult>)symbols.Find("cuStreamEndCapture", 10000);
        cuStreamGetCaptureInfo = (delegate* unmanaged[Cdecl]<CuStream, CuStreamCaptureStatus*, ulong*, CuGraph*, void**, ulong*, CuResult>)
            symbols.Find("cuStreamGetCaptureInfo", 11030);
        cuThreadExchangeStreamCaptureMode = (delegate* unmanaged[Cdecl]<CuStreamCaptureMode*, CuResult>)
            symbols.Find("cuThreadExchangeStreamCaptureMode", 10010);
        cuGraphDestroy = (delegate* unmanaged[Cdecl]<CuGraph, CuResult>)symbols.Find("cuGraphDestroy", 10000);
        cuGraphGetNodes = (delegate* unmanaged[Cdecl]<CuGraph, nint*, ulong*, CuResult>)symbols.Find("cuGraphGetNodes", 10000);
        cuGraphInstantiateWithFlags = (delegate* unmanaged[Cdecl]<CuGraphExec*, CuGraph, CuGraphInstantiateFlags, CuResult>)
            symbols.Find("cuGraphInstantiateWithFlags", 11040);
        cuGraphExecUpdate = (delegate* unmanaged[Cdecl]<CuGraphExec, CuGraph, CUgraphExecUpdateResultInfo*, CuResult>)
            symbols.Find("cuGraphExecUpdate", 12000);
        cuGraphUpload = (delegate* unmanaged[Cdecl]<CuGraphExec, CuStream, CuResult>)symbols.Find("cuGraphUpload", 11010);
        cuGraphLaunch = (delegate* unmanaged[Cdecl]<CuGraphExec, CuStream, CuResult>)symbols.Find("cuGraphLaunch", 10000);
        cuGraphExecDestroy = (delegate* unmanaged[Cdecl]<CuGraphExec, CuResult>)symbols.Find("cuGraphExecDestroy", 10000);
        cuGraphDebugDotPrint = (delegate* unmanaged[Cdecl]<CuGraph, byte*, uint, CuResult>)symbols.Find("cuGraphDebugDotPrint", 11030);
        cuModuleLoadDataEx = (delegate* unmanaged[Cdecl]<CuModule*, void*, uint, CUjit_option*, void**, CuResult>)
            symbols.Find("cuModuleLoadDataEx", 2010);
        cuModuleUnload = (delegate* unmanaged[Cdecl]<CuModule, CuResult>)symbols.Find("cuModuleUnload", 2000);
        cuModuleGetFunction = (delegate* unmanaged[Cdecl]<CuFunction*, CuModule, byte*, CuResult>)symbols.Find("cuModuleGetFunction", 2000);
        cuFuncGetAttribute = (delegate* unmanaged[Cdecl]<int*, CuFunctionAttribute, CuFunction, CuResult>)
            symbols.Find("cuFuncGetAttribute", 2020);
        cuFuncSetAttribute = (delegate* unmanaged[Cdecl]<CuFunction, CuFunctionAttribute, int, CuResult>)
            symbols.Find("cuFuncSetAttribute", 9000);
        cuLaunchKernel = (delegate* unmanaged[Cdecl]<
            CuFunction,
            uint,
            uint,
            uint,
            uint,
            uint,
            uint,
            uint,
            CuStream,
            void**,
            void**,
            CuResult>)
            symbols.Find("cuLaunchKernel", 4000);
        symbols.ThrowIfAnyMissing();
    }
}
