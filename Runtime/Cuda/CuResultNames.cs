using System.Text;

namespace Troupe.Runtime.Cuda;

/// <summary>The vendor's names of statuses and the driver's own texts, for those who have no driver to ask.</summary>
/// <remarks>Source: what <c>cuGetErrorName</c> and <c>cuGetErrorString</c> of driver 580 (CUDA 13.0) answer; a test compares all of
/// them.</remarks>
internal static class CuResultNames
{
    /// <summary>The name as the vendor spells it.</summary>
    public static string Name(CuResult status)
    {
        if (status == CuResult.Success)
        {
            return "CUDA_SUCCESS";
        }

        if (!Enum.IsDefined(status))
        {
            return $"CUDA_ERROR_{(int)status}";
        }

        var name = new StringBuilder("CUDA_ERROR");
        foreach (char letter in status.ToString())
        {
            name.Append(char.IsUpper(letter) ? "_" : "").Append(char.ToUpperInvariant(letter));
        }

        return name.ToString();
    }

    /// <summary>The driver's text.</summary>
    public static string Text(CuResult status) =>
        status switch
        {
            CuResult.Success => "no error",
            CuResult.InvalidValue => "invalid argument",
            CuResult.OutOfMemory => "out of memory",
            CuResult.NotInitialized => "initialization error",
            CuResult.Deinitialized => "driver shutting down",
            CuResult.ProfilerDisabled => "profiler disabled while using external profiling tool",
            CuResult.ProfilerNotInitialized => "profiler not initialized: call cudaProfilerInitialize()",
            CuResult.ProfilerAlreadyStarted => "profiler already started",
            CuResult.ProfilerAlreadyStopped => "profiler already stopped",
            CuResult.StubLibrary => "CUDA driver is a stub library",
            CuResult.CallRequiresNewerDriver => "API call is not supported in the installed CUDA driver",
            CuResult.DeviceUnavailable => "CUDA-capable device(s) is/are busy or unavailable",
            CuResult.NoDevice => "no CUDA-capable device is detected",
            CuResult.InvalidDevice => "invalid device ordinal",
            CuResult.DeviceNotLicensed => "device doesn't have valid Grid license",
            CuResult.InvalidImage => "device kernel image is invalid",
            CuResult.InvalidContext => "invalid device context",
            CuResult.ContextAlreadyCurrent => "context already current",
            CuResult.MapFailed => "mapping of buffer object failed",
            CuResult.UnmapFailed => "unmapping of buffer object failed",
            CuResult.ArrayIsMapped => "array is mapped",
            CuResult.AlreadyMapped => "resource already mapped",
            CuResult.NoBinaryForGpu => "no kernel image is available for execution on the device",
            CuResult.AlreadyAcquired => "resource already acquired",
            CuResult.NotMapped => "resource not mapped",
            CuResult.NotMappedAsArray => "resource not mapped as array",
            CuResult.NotMappedAsPointer => "resource not mapped as pointer",
            CuResult.EccUncorrectable => "uncorrectable ECC error encountered",
            CuResult.UnsupportedLimit => "limit is not supported on this architecture",
            CuResult.ContextAlreadyInUse => "exclusive-thread device already in use by a different thread",
            CuResult.PeerAccessUnsupported => "peer access is not supported between these two devices",
            CuResult.InvalidPtx => "a PTX JIT compilation failed",
            CuResult.InvalidGraphicsContext => "invalid OpenGL or DirectX context",
            CuResult.NvlinkUncorrectable => "uncorrectable NVLink error detected during the execution",
            CuResult.JitCompilerNotFound => "PTX JIT compiler library not found",
            CuResult.UnsupportedPtxVersion => "the provided PTX was compiled with an unsupported toolchain.",
            CuResult.JitCompilationDisabled => "PTX JIT compilation was disabled",
            CuResult.UnsupportedExecAffinity => "the provided execution affinity is not supported",
            CuResult.UnsupportedDevsideSync => "the provided PTX contains unsupported call to cudaDeviceSynchronize",
            CuResult.Contained => "Invalid access of peer GPU memory over nvlink or a hardware error",
            CuResult.InvalidSource => "device kernel image is invalid",
            CuResult.FileNotFound => "file not found",
            CuResult.SharedObjectSymbolNotFound => "shared object symbol not found",
            CuResult.SharedObjectInitFailed => "shared object initialization failed",
            CuResult.OperatingSystem => "OS call failed or operation not supported on this OS",
            CuResult.InvalidHandle => "invalid resource handle",
            CuResult.IllegalState => "the operation cannot be performed in the present state",
            CuResult.LossyQuery => "attempted introspection would be semantically lossy",
            CuResult.NotFound => "named symbol not found",
            CuResult.NotReady => "device not ready",
            CuResult.IllegalAddress => "an illegal memory access was encountered",
            CuResult.LaunchOutOfResources => "too many resources requested for launch",
            CuResult.LaunchTimeout => "the launch timed out and was terminated",
            CuResult.LaunchIncompatibleTexturing => "launch uses incompatible texturing mode",
            CuResult.PeerAccessAlreadyEnabled => "peer access is already enabled",
            CuResult.PeerAccessNotEnabled => "peer access has not been enabled",
            CuResult.PrimaryContextActive => "cannot set while device is active in this process",
            CuResult.ContextIsDestroyed => "context is destroyed",
            CuResult.Assert => "device-side assert triggered",
            CuResult.TooManyPeers => "peer mapping resources exhausted",
            CuResult.HostMemoryAlreadyRegistered => "part or all of the requested memory range is already mapped",
            CuResult.HostMemoryNotRegistered => "pointer does not correspond to a registered memory region",
            CuResult.HardwareStackError => "hardware stack error",
            CuResult.IllegalInstruction => "an illegal instruction was encountered",
            CuResult.MisalignedAddress => "misaligned address",
            CuResult.InvalidAddressSpace => "operation not supported on global/shared address space",
            CuResult.InvalidPc => "invalid program counter",
            CuResult.LaunchFailed => "unspecified launch failure",
            CuResult.CooperativeLaunchTooLarge => "too many blocks in cooperative launch",
            CuResult.TensorMemoryLeak => "tensor memory not completely freed",
            CuResult.NotPermitted => "operation not permitted",
            CuResult.NotSupported => "operation not supported",
            CuResult.SystemNotReady => "system not yet initialized",
            CuResult.SystemDriverMismatch => "system has unsupported display driver / cuda driver combination",
            CuResult.CompatNotSupportedOnDevice => "forward compatibility was attempted on non supported HW",
            CuResult.MpsConnectionFailed => "MPS client failed to connect to the MPS control daemon or the MPS server",
            CuResult.MpsRpcFailure => "the remote procedural call between the MPS server and the MPS client failed",
            CuResult.MpsServerNotReady => "MPS server is not ready to accept new MPS client requests",
            CuResult.MpsMaxClientsReached => "the hardware resources required to create MPS client have been exhausted",
            CuResult.MpsMaxConnectionsReached => "the hardware resources required to support device connections have been exhausted",
            CuResult.MpsClientTerminated => "the MPS client has been terminated by the server",
            CuResult.CdpNotSupported => "is using CUDA Dynamic Parallelism, but the current configuration, like MPS, does not support it",
            CuResult.CdpVersionMismatch => "unsupported interaction between different versions of CUDA Dynamic Parallelism",
            CuResult.StreamCaptureUnsupported => "operation not permitted when stream is capturing",
            CuResult.StreamCaptureInvalidated => "operation failed due to a previous error during capture",
            CuResult.StreamCaptureMerge => "operation would result in a merge of separate capture sequences",
            CuResult.StreamCaptureUnmatched => "capture was not ended in the same stream as it began",
            CuResult.StreamCaptureUnjoined => "capturing stream has unjoined work",
            CuResult.StreamCaptureIsolation => "dependency created on uncaptured work in another stream",
            CuResult.StreamCaptureImplicit => "operation would make the legacy stream depend on a capturing blocking stream",
            CuResult.CapturedEvent => "operation not permitted on an event last recorded in a capturing stream",
            CuResult.StreamCaptureWrongThread => "attempt to terminate a thread-local capture sequence from another thread",
            CuResult.Timeout => "wait operation timed out",
            CuResult.GraphExecUpdateFailure =>
                "the graph update was not performed because it included changes which violated constraints specific to instantiated graph update",
            CuResult.ExternalDevice => "an async error has occured in external entity outside of CUDA",
            CuResult.InvalidClusterSize => "a kernel launch error has occurred due to cluster misconfiguration",
            CuResult.FunctionNotLoaded => "the function handle is not loaded when calling an API that requires a loaded function",
            CuResult.InvalidResourceType => "one or more resources passed in are not valid resource types for the operation",
            CuResult.InvalidResourceConfiguration => "one or more resources are insufficient or non-applicable for the operation",
            CuResult.KeyRotation => "an error happened during the key rotation sequence",
            CuResult.Unknown => "unknown error",
            _ => "a status that CUDA 13.0 does not have",
        };
}
