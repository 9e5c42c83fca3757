namespace Troupe.Runtime.Cuda;

/// <summary>A device as the driver names it; not a CUDA context and not a <c>GpuId</c>.</summary>
internal readonly record struct CuDevice(int Ordinal);

/// <summary>A device context (CUDA: <c>CUcontext</c>). Compared by value; two devices never share one.</summary>
internal readonly record struct CuContext(nint Value)
{
    public bool IsNull => Value == 0;
}

/// <summary>A stream (CUDA: <c>CUstream</c>). The null stream is never used: <c>default</c> is refused.</summary>
internal readonly record struct CuStream(nint Value)
{
    public bool IsNull => Value == 0;
}

/// <summary>An event (CUDA: <c>CUevent</c>).</summary>
internal readonly record struct CuEvent(nint Value);

/// <summary>A recorded graph before instantiation (CUDA: <c>CUgraph</c>).</summary>
internal readonly record struct CuGraph(nint Value);

/// <summary>An instantiated graph that can be launched (CUDA: <c>CUgraphExec</c>).</summary>
internal readonly record struct CuGraphExec(nint Value);

/// <summary>A loaded image of kernels (CUDA: <c>CUmodule</c>); not a Troupe module.</summary>
internal readonly record struct CuModule(nint Value);

/// <summary>A kernel inside a loaded image (CUDA: <c>CUfunction</c>).</summary>
internal readonly record struct CuFunction(nint Value);

/// <summary>An address in device memory (CUDA: <c>CUdeviceptr</c>). On emulated devices it is synthetic and cannot be
/// dereferenced.</summary>
internal readonly record struct DevicePointer(ulong Address)
{
    public bool IsNull => Address == 0;

    public static DevicePointer operator +(DevicePointer pointer, ulong offset) => new(pointer.Address + offset);
}

/// <summary>Page-locked host memory as the driver hands it out. The address is real on every driver.</summary>
internal readonly record struct HostPointer(nint Address)
{
    public bool IsNull => Address == 0;
}
