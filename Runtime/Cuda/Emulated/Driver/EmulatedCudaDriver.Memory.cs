using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Faults;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Device memory.</content>
internal sealed partial class EmulatedCudaDriver
{
    public CuResult MemGetInfo(out ulong freeBytes, out ulong totalBytes)
    {
        freeBytes = totalBytes = 0;
        CuResult status = EnterContext(out _, out EmulatedCudaContext? context);
        if (status != CuResult.Success)
        {
            return status;
        }

        totalBytes = context.Device.Options.MemoryBytes;
        freeBytes = context.Device.FreeBytes;
        return CuResult.Success;
    }

    public CuResult MemAlloc(out DevicePointer pointer, ulong bytes)
    {
        pointer = default;
        CuResult status = EnterAllocation(bytes, out EmulatedCudaContext context);
        if (status != CuResult.Success || bytes == 0)
        {
            return status == CuResult.Success ? CuResult.InvalidValue : status;
        }

        EmulatedAllocation? allocation = context.Device.Allocate(context, bytes);
        if (allocation is null)
        {
            return CuResult.OutOfMemory;
        }

        EmulatedCounters.Count(ref context.Device.Counters.Allocations);
        pointer = allocation.Pointer;
        return CuResult.Success;
    }

    /// <summary>What a plain allocation checks first: context, capture and, where bytes are asked for, the faults that are due.</summary>
    private CuResult EnterAllocation(ulong bytes, out EmulatedCudaContext context)
    {
        CuResult status = EnterContext(out HostThread thread, out context);
        if (status == CuResult.Success)
        {
            status = _captures.Guard(thread);
        }

        return status == CuResult.Success && bytes > 0 ? _faults.Apply(EmulatedFaultKind.AllocationFailure, context.Device) : status;
    }

    public CuResult MemFree(DevicePointer pointer)
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

        EmulatedAllocation? allocation = _machine.Find(pointer.Address);
        if (allocation is null || allocation.Address != pointer.Address || !allocation.TryClaimFree())
        {
            return CuResult.InvalidValue;
        }

        EmulatedDevice device = allocation.Device;
        _execution.Drain(device);
        if (!_execution.RunsAtEnqueue)
        {
            // Waiting for its own device orders the free behind that device's work, not behind another's.
            status = _execution.RunNow(
                allocation.Context,
                new StreamCommand
                {
                    Kind = CommandKind.Free,
                    Destination = allocation.Address,
                    Bytes = allocation.Size,
                }
            );
            if (status != CuResult.Success)
            {
                device.Fail(status);
            }
        }

        EmulatedCounters.Count(ref device.Counters.Frees);
        device.ReturnToHost(allocation);
        return device.Failure;
    }

    public CuResult PointerGetAttributes(out PointerAttributes attributes, DevicePointer pointer)
    {
        attributes = default;
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedAllocation? allocation = _machine.Find(pointer.Address);
        if (allocation is null || allocation.IsFreeRequested || !allocation.Contains(pointer.Address, 1))
        {
            return CuResult.InvalidValue;
        }

        attributes = new PointerAttributes(
            CuMemoryType.Device,
            allocation.Device.Ordinal,
            allocation.Context.Context,
            allocation.Pointer,
            allocation.Size
        );
        return CuResult.Success;
    }
}
