using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Troupe.Runtime.Cuda.Interop;

// Layouts of cuda.h (CUDA 13.0); a test compares sizes and offsets with a table.

internal enum CUmemLocationType
{
    CU_MEM_LOCATION_TYPE_DEVICE = 1,
}

internal enum CUmemAllocationType
{
    CU_MEM_ALLOCATION_TYPE_PINNED = 1,
}

internal enum CUpointer_attribute
{
    CU_POINTER_ATTRIBUTE_CONTEXT = 1,
    CU_POINTER_ATTRIBUTE_MEMORY_TYPE = 2,
    CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL = 9,
    CU_POINTER_ATTRIBUTE_RANGE_START_ADDR = 11,
    CU_POINTER_ATTRIBUTE_RANGE_SIZE = 12,
}

internal enum CUjit_option
{
    CU_JIT_ERROR_LOG_BUFFER = 5,
    CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6,
}

[StructLayout(LayoutKind.Sequential)]
internal struct CUmemLocation
{
    public CUmemLocationType type;
    public int id;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CUmemAccessDesc
{
    public CUmemLocation location;
    public CuMemAccess flags;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CUmemPoolProps
{
    public CUmemAllocationType allocType;
    public int handleTypes;
    public CUmemLocation location;
    public nint win32SecurityAttributes;
    public ulong maxSize;
    public ushort usage;
    public Reserved reserved;

    [InlineArray(54)]
    internal struct Reserved
    {
        private byte _element;
    }
}

[StructLayout(LayoutKind.Sequential)]
internal struct CUgraphExecUpdateResultInfo
{
    public CuGraphExecUpdateResult result;
    public nint errorNode;
    public nint errorFromNode;
}
