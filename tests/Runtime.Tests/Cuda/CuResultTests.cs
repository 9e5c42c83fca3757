using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Tests.Cuda;

/// <summary>Values against those of cuda.h (13.0).</summary>
public sealed class CuResultTests
{
    private static readonly Dictionary<CuResult, (int Value, string Name)> Table = new()
    {
        [CuResult.Success] = (0, "CUDA_SUCCESS"),
        [CuResult.InvalidValue] = (1, "CUDA_ERROR_INVALID_VALUE"),
        [CuResult.OutOfMemory] = (2, "CUDA_ERROR_OUT_OF_MEMORY"),
        [CuResult.NotInitialized] = (3, "CUDA_ERROR_NOT_INITIALIZED"),
        [CuResult.Deinitialized] = (4, "CUDA_ERROR_DEINITIALIZED"),
        [CuResult.NoDevice] = (100, "CUDA_ERROR_NO_DEVICE"),
        [CuResult.InvalidDevice] = (101, "CUDA_ERROR_INVALID_DEVICE"),
        [CuResult.InvalidImage] = (200, "CUDA_ERROR_INVALID_IMAGE"),
        [CuResult.InvalidContext] = (201, "CUDA_ERROR_INVALID_CONTEXT"),
        [CuResult.NoBinaryForGpu] = (209, "CUDA_ERROR_NO_BINARY_FOR_GPU"),
        [CuResult.EccUncorrectable] = (214, "CUDA_ERROR_ECC_UNCORRECTABLE"),
        [CuResult.PeerAccessUnsupported] = (217, "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED"),
        [CuResult.InvalidPtx] = (218, "CUDA_ERROR_INVALID_PTX"),
        [CuResult.UnsupportedPtxVersion] = (222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"),
        [CuResult.OperatingSystem] = (304, "CUDA_ERROR_OPERATING_SYSTEM"),
        [CuResult.InvalidHandle] = (400, "CUDA_ERROR_INVALID_HANDLE"),
        [CuResult.IllegalState] = (401, "CUDA_ERROR_ILLEGAL_STATE"),
        [CuResult.NotFound] = (500, "CUDA_ERROR_NOT_FOUND"),
        [CuResult.NotReady] = (600, "CUDA_ERROR_NOT_READY"),
        [CuResult.IllegalAddress] = (700, "CUDA_ERROR_ILLEGAL_ADDRESS"),
        [CuResult.LaunchOutOfResources] = (701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"),
        [CuResult.PeerAccessAlreadyEnabled] = (704, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED"),
        [CuResult.PeerAccessNotEnabled] = (705, "CUDA_ERROR_PEER_ACCESS_NOT_ENABLED"),
        [CuResult.ContextIsDestroyed] = (709, "CUDA_ERROR_CONTEXT_IS_DESTROYED"),
        [CuResult.HostMemoryAlreadyRegistered] = (712, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED"),
        [CuResult.HostMemoryNotRegistered] = (713, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED"),
        [CuResult.IllegalInstruction] = (715, "CUDA_ERROR_ILLEGAL_INSTRUCTION"),
        [CuResult.LaunchFailed] = (719, "CUDA_ERROR_LAUNCH_FAILED"),
        [CuResult.NotPermitted] = (800, "CUDA_ERROR_NOT_PERMITTED"),
        [CuResult.NotSupported] = (801, "CUDA_ERROR_NOT_SUPPORTED"),
        [CuResult.StreamCaptureUnsupported] = (900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"),
        [CuResult.StreamCaptureInvalidated] = (901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"),
        [CuResult.StreamCaptureMerge] = (902, "CUDA_ERROR_STREAM_CAPTURE_MERGE"),
        [CuResult.StreamCaptureUnmatched] = (903, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED"),
        [CuResult.StreamCaptureUnjoined] = (904, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED"),
        [CuResult.StreamCaptureIsolation] = (905, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION"),
        [CuResult.StreamCaptureImplicit] = (906, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT"),
        [CuResult.CapturedEvent] = (907, "CUDA_ERROR_CAPTURED_EVENT"),
        [CuResult.StreamCaptureWrongThread] = (908, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD"),
        [CuResult.GraphExecUpdateFailure] = (910, "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE"),
        [CuResult.Unknown] = (999, "CUDA_ERROR_UNKNOWN"),
    };

    [Fact]
    public void Values_and_names_are_the_vendors()
    {
        foreach ((CuResult status, (int value, string? name)) in Table)
        {
            Assert.Equal(value, (int)status);
            Assert.Equal(name, CuResultNames.Name(status));
        }
    }

    [Fact]
    public void Every_status_has_a_description_of_its_own()
    {
        string[] descriptions = Enum.GetValues<CuResult>().Select(CuResultNames.Description).ToArray();
        Assert.Equal(descriptions.Length, descriptions.Distinct().Count());
        Assert.Equal("CUDA_ERROR_12345", CuResultNames.Name((CuResult)12345));
    }

    [Fact]
    public void Flags_have_the_vendors_values()
    {
        Assert.Equal((0u, 1u), ((uint)CuStreamFlags.Default, (uint)CuStreamFlags.NonBlocking));
        Assert.Equal((0u, 1u, 2u), ((uint)CuEventFlags.Default, (uint)CuEventFlags.BlockingSync, (uint)CuEventFlags.DisableTiming));
        Assert.Equal((0, 1, 2), ((int)CuStreamCaptureMode.Global, (int)CuStreamCaptureMode.ThreadLocal, (int)CuStreamCaptureMode.Relaxed));
        Assert.Equal(
            (0, 1, 2),
            ((int)CuStreamCaptureStatus.None, (int)CuStreamCaptureStatus.Active, (int)CuStreamCaptureStatus.Invalidated)
        );
        Assert.Equal((1ul, 2ul), ((ulong)CuGraphInstantiateFlags.AutoFreeOnLaunch, (ulong)CuGraphInstantiateFlags.Upload));
        Assert.Equal(
            (1u, 2u, 4u),
            ((uint)CuMemHostAllocFlags.Portable, (uint)CuMemHostAllocFlags.DeviceMap, (uint)CuMemHostAllocFlags.WriteCombined)
        );
        Assert.Equal(
            (4, 5, 6, 7, 8),
            (
                (int)CuMemPoolAttribute.ReleaseThreshold,
                (int)CuMemPoolAttribute.ReservedMemCurrent,
                (int)CuMemPoolAttribute.ReservedMemHigh,
                (int)CuMemPoolAttribute.UsedMemCurrent,
                (int)CuMemPoolAttribute.UsedMemHigh
            )
        );
        Assert.Equal((0, 1, 3), ((int)CuMemAccess.None, (int)CuMemAccess.Read, (int)CuMemAccess.ReadWrite));
        Assert.Equal(
            (75, 76, 115),
            (
                (int)CuDeviceAttribute.ComputeCapabilityMajor,
                (int)CuDeviceAttribute.ComputeCapabilityMinor,
                (int)CuDeviceAttribute.MemoryPoolsSupported
            )
        );
        Assert.Equal(
            (0, 4, 8),
            (
                (int)CuFunctionAttribute.MaxThreadsPerBlock,
                (int)CuFunctionAttribute.NumRegs,
                (int)CuFunctionAttribute.MaxDynamicSharedSizeBytes
            )
        );
        Assert.Equal(
            (2, 3, 8),
            (
                (int)CuGraphExecUpdateResult.TopologyChanged,
                (int)CuGraphExecUpdateResult.NodeTypeChanged,
                (int)CuGraphExecUpdateResult.AttributesChanged
            )
        );
    }
}
