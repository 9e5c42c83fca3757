using Troupe.Runtime.Cuda.Interop;

namespace Troupe.Runtime.Cuda.Native;

// SAFETY, for every method here: results are pinned locals of the caller, everything else is passed by value and checked by the driver.

/// <content>Memory, copies and fills.</content>
internal sealed unsafe partial class NativeCudaDriver
{
    public CuResult MemGetInfo(out ulong freeBytes, out ulong totalBytes)
    {
        fixed (ulong* freeBytesResult = &freeBytes)
        fixed (ulong* totalBytesResult = &totalBytes)
        {
            return _api.cuMemGetInfo(freeBytesResult, totalBytesResult);
        }
    }

    public CuResult MemAlloc(out DevicePointer pointer, ulong bytes)
    {
        fixed (DevicePointer* pointerResult = &pointer)
        {
            return _api.cuMemAlloc(pointerResult, bytes);
        }
    }

    public CuResult MemFree(DevicePointer pointer) => _api.cuMemFree(pointer);

    public CuResult MemHostAlloc(out HostPointer pointer, ulong bytes, CuMemHostAllocFlags flags)
    {
        fixed (HostPointer* pointerResult = &pointer)
        {
            return _api.cuMemHostAlloc(pointerResult, bytes, flags);
        }
    }

    public CuResult MemFreeHost(HostPointer pointer) => _api.cuMemFreeHost(pointer);

    public CuResult MemHostRegister(HostPointer pointer, ulong bytes) => _api.cuMemHostRegister(pointer, bytes, 0);

    public CuResult MemHostUnregister(HostPointer pointer) => _api.cuMemHostUnregister(pointer);

    public CuResult MemcpyHtoD(DevicePointer destination, nint source, ulong bytes) => _api.cuMemcpyHtoD(destination, source, bytes);

    public CuResult MemcpyDtoH(nint destination, DevicePointer source, ulong bytes) => _api.cuMemcpyDtoH(destination, source, bytes);

    public CuResult MemcpyDtoD(DevicePointer destination, DevicePointer source, ulong bytes) =>
        _api.cuMemcpyDtoD(destination, source, bytes);

    public CuResult MemcpyHtoDAsync(DevicePointer destination, nint source, ulong bytes, CuStream stream) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuMemcpyHtoDAsync(destination, source, bytes, stream);

    public CuResult MemcpyDtoHAsync(nint destination, DevicePointer source, ulong bytes, CuStream stream) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuMemcpyDtoHAsync(destination, source, bytes, stream);

    public CuResult MemcpyDtoDAsync(DevicePointer destination, DevicePointer source, ulong bytes, CuStream stream) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuMemcpyDtoDAsync(destination, source, bytes, stream);

    public CuResult MemcpyPeerAsync(
        DevicePointer destination,
        CuContext destinationContext,
        DevicePointer source,
        CuContext sourceContext,
        ulong bytes,
        CuStream stream
    ) =>
        stream.IsNull
            ? CuResult.InvalidHandle
            : _api.cuMemcpyPeerAsync(destination, destinationContext, source, sourceContext, bytes, stream);

    public CuResult MemsetD8Async(DevicePointer destination, byte value, ulong bytes, CuStream stream) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuMemsetD8Async(destination, value, bytes, stream);

    public CuResult MemsetD32Async(DevicePointer destination, uint value, ulong count, CuStream stream) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuMemsetD32Async(destination, value, count, stream);

    public CuResult PointerGetAttributes(out PointerAttributes attributes, DevicePointer pointer)
    {
        CUpointer_attribute* wanted = stackalloc CUpointer_attribute[]
        {
            CUpointer_attribute.CU_POINTER_ATTRIBUTE_CONTEXT,
            CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
            CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
            CUpointer_attribute.CU_POINTER_ATTRIBUTE_RANGE_START_ADDR,
            CUpointer_attribute.CU_POINTER_ATTRIBUTE_RANGE_SIZE,
        };
        CuContext context = default;
        CuMemoryType type = default;
        int ordinal = 0;
        DevicePointer start = default;
        ulong size = 0;
        void** values = stackalloc void*[] { &context, &type, &ordinal, &start, &size };
        CuResult status = _api.cuPointerGetAttributes(5, wanted, values, pointer);
        attributes = new PointerAttributes(type, ordinal, context, start, size);

        // For an address the driver does not know, this call succeeds and leaves the memory type 0.
        return status == CuResult.Success && type == default ? CuResult.InvalidValue : status;
    }
}
