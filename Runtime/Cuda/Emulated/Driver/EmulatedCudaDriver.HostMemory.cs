using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Page-locked host memory.</content>
internal sealed partial class EmulatedCudaDriver
{
    public CuResult MemHostAlloc(out HostPointer pointer, ulong bytes, CuMemHostAllocFlags flags)
    {
        pointer = default;
        CuResult status = EnterAllocation(bytes, out EmulatedCudaContext context);
        if (status != CuResult.Success || bytes == 0)
        {
            return status;
        }

        nint address = _machine.HostMemory.Allocate(context, bytes, _machine.IsStrict);
        if (address == 0)
        {
            return CuResult.OutOfMemory;
        }

        EmulatedCounters.Count(ref context.Device.Counters.PinnedAllocations);
        pointer = new HostPointer(address);
        return CuResult.Success;
    }

    public CuResult MemFreeHost(HostPointer pointer)
    {
        CuResult status = Enter(out HostThread? thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        status = _captures.Guard(thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (pointer.IsNull)
        {
            return CuResult.Success;
        }

        _execution.Drain((EmulatedDevice?)null);
        return _machine.HostMemory.TryFree(pointer.Address, _machine.IsStrict) ? CuResult.Success : CuResult.InvalidValue;
    }

    public CuResult MemHostRegister(HostPointer pointer, ulong bytes)
    {
        CuResult status = EnterContext(out HostThread? thread, out EmulatedCudaContext? context);
        if (status != CuResult.Success)
        {
            return status;
        }

        status = _captures.Guard(thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (bytes == 0 || pointer.IsNull)
        {
            return CuResult.InvalidValue;
        }

        return _machine.HostMemory.Register(pointer.Address, bytes, context);
    }

    public CuResult MemHostUnregister(HostPointer pointer)
    {
        CuResult status = Enter(out HostThread? thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        status = _captures.Guard(thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        _execution.Drain((EmulatedDevice?)null);
        return _machine.HostMemory.Unregister(pointer.Address);
    }
}
