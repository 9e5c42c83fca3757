namespace Troupe.Runtime.Cuda;

// Values are those of cuda.h; a test compares them with a table.

/// <summary>How a stream relates to the null stream. Troupe creates only <see cref="NonBlocking"/> streams.</summary>
[Flags]
internal enum CuStreamFlags : uint
{
    Default = 0,
    NonBlocking = 1,
}

[Flags]
internal enum CuEventFlags : uint
{
    Default = 0,
    BlockingSync = 1,
    DisableTiming = 2,
}

/// <summary>Which calls of which threads a running capture forbids (CUDA: <c>CUstreamCaptureMode</c>).</summary>
internal enum CuStreamCaptureMode
{
    Global = 0,
    ThreadLocal = 1,
    Relaxed = 2,
}

internal enum CuStreamCaptureStatus
{
    None = 0,
    Active = 1,
    Invalidated = 2,
}

[Flags]
internal enum CuGraphInstantiateFlags : ulong
{
    None = 0,
    Upload = 2,
}

/// <summary>Outcome of updating an executable graph in place (CUDA: <c>CUgraphExecUpdateResult</c>).</summary>
internal enum CuGraphExecUpdateResult
{
    Success = 0,
    Error = 1,
    TopologyChanged = 2,
    NodeTypeChanged = 3,
    FunctionChanged = 4,
    ParametersChanged = 5,
    NotSupported = 6,
    UnsupportedFunctionChange = 7,
    AttributesChanged = 8,
}

[Flags]
internal enum CuMemHostAllocFlags : uint
{
    None = 0,
    Portable = 1,
    DeviceMap = 2,
    WriteCombined = 4,
}

internal enum CuMemoryType
{
    Host = 1,
    Device = 2,
    Array = 3,
    Unified = 4,
}

/// <summary>What the driver knows of an address (CUDA: <c>cuPointerGetAttributes</c>).</summary>
internal readonly record struct PointerAttributes(
    CuMemoryType MemoryType,
    int DeviceOrdinal,
    CuContext Context,
    DevicePointer RangeStart,
    ulong RangeSize
);

internal enum CuDeviceAttribute
{
    MaxThreadsPerBlock = 1,
    MaxSharedMemoryPerBlock = 8,
    WarpSize = 10,
    ClockRate = 13,
    MultiprocessorCount = 16,
    Integrated = 18,
    CanMapHostMemory = 19,
    ComputeMode = 20,
    ConcurrentKernels = 31,
    PciBusId = 33,
    PciDeviceId = 34,
    AsyncEngineCount = 40,
    UnifiedAddressing = 41,
    ComputeCapabilityMajor = 75,
    ComputeCapabilityMinor = 76,
}

internal enum CuFunctionAttribute
{
    MaxThreadsPerBlock = 0,
    SharedSizeBytes = 1,
    ConstSizeBytes = 2,
    LocalSizeBytes = 3,
    NumRegs = 4,
    PtxVersion = 5,
    BinaryVersion = 6,
    MaxDynamicSharedSizeBytes = 8,
}

/// <summary>Grid or block extent of a kernel launch.</summary>
internal readonly record struct Dim3(uint X, uint Y = 1, uint Z = 1);
