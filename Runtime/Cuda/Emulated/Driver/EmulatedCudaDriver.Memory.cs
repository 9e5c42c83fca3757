using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Device memory and page-locked host memory.</content>
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

        if (bytes == 0)
        {
            return CuResult.InvalidValue;
        }

        status = _faults.Apply(EmulatedFaultKind.AllocationFailure, context.Device);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedAllocation? allocation = context.Device.Allocate(context, null, bytes);
        if (allocation is null)
        {
            // What pools keep without need gives way, as on a GPU.
            _execution.Drain(context.Device);
            foreach (EmulatedPool pool in PoolsOf(context.Device))
            {
                pool.TrimTo(0);
            }

            allocation = context.Device.Allocate(context, null, bytes);
            if (allocation is null)
            {
                return CuResult.OutOfMemory;
            }
        }

        EmulatedCounters.Count(ref context.Device.Counters.Allocations);
        pointer = allocation.Pointer;
        return CuResult.Success;
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
        if (allocation.Pool is { } pool)
        {
            pool.Keep(allocation, _machine.IsStrict);
        }
        else if (allocation.Owners > 0)
        {
            allocation.IsLive = false;
        }
        else
        {
            device.ReturnToHost(allocation);
        }

        return device.Failure;
    }

    public CuResult MemAllocAsync(out DevicePointer pointer, ulong bytes, CuStream stream)
    {
        pointer = default;
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        return status != CuResult.Success ? status : AllocateFrom(found.Context.Device.DefaultPool, out pointer, bytes, found);
    }

    public CuResult MemAllocFromPoolAsync(out DevicePointer pointer, ulong bytes, CuMemPool pool, CuStream stream)
    {
        pointer = default;
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedPool? source = _pools.Find(pool.Value);
        return source is null ? CuResult.InvalidValue : AllocateFrom(source, out pointer, bytes, found);
    }

    public CuResult MemFreeAsync(DevicePointer pointer, CuStream stream)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.Capture is null)
        {
            status = _captures.Guard(_machine.Thread);
        }

        if (status != CuResult.Success)
        {
            return status;
        }

        if (pointer.IsNull)
        {
            return CuResult.Success;
        }

        EmulatedAllocation? allocation = _machine.Find(pointer.Address);
        if (allocation is null || allocation.Address != pointer.Address)
        {
            return CuResult.InvalidValue;
        }

        var command = new StreamCommand
        {
            Kind = CommandKind.Free,
            Destination = allocation.Address,
            Bytes = allocation.Size,
            Subject = allocation,
        };
        if (found.Capture is { } capture)
        {
            if (!capture.Graph.Allocations.Contains(allocation))
            {
                return capture.IsInvalidated ? CuResult.StreamCaptureInvalidated : CuResult.InvalidValue;
            }

            allocation.IsFreedInGraph = true;
            return Enqueue(found, in command);
        }

        if (!allocation.TryClaimFree())
        {
            return CuResult.InvalidValue;
        }

        EmulatedCounters.Count(ref allocation.Device.Counters.Frees);
        return Enqueue(found, in command);
    }

    public CuResult MemHostAlloc(out HostPointer pointer, ulong bytes, CuMemHostAllocFlags flags)
    {
        pointer = default;
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

        if (bytes == 0)
        {
            return CuResult.Success;
        }

        status = _faults.Apply(EmulatedFaultKind.AllocationFailure, context.Device);
        if (status != CuResult.Success)
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

        CuContext owner = allocation.Pool is null ? allocation.Context.Context : default;
        attributes = new PointerAttributes(CuMemoryType.Device, allocation.Device.Ordinal, owner, allocation.Pointer, allocation.Size);
        return CuResult.Success;
    }

    private CuResult AllocateFrom(EmulatedPool pool, out DevicePointer pointer, ulong bytes, EmulatedStream stream)
    {
        pointer = default;
        if (stream.Capture is { } capture)
        {
            if (capture.IsInvalidated)
            {
                return CuResult.StreamCaptureInvalidated;
            }

            return bytes == 0 ? CuResult.Success : AllocateInGraph(capture, pool.Device, out pointer, bytes, stream);
        }

        CuResult status = _captures.Guard(_machine.Thread);
        if (status != CuResult.Success || bytes == 0)
        {
            return status;
        }

        status = _faults.Apply(EmulatedFaultKind.AllocationFailure, pool.Device);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedAllocation? allocation = pool.Allocate(stream.Context, bytes, _machine.IsStrict);
        if (allocation is null)
        {
            return CuResult.OutOfMemory;
        }

        EmulatedCounters.Count(ref pool.Device.Counters.Allocations);
        pointer = allocation.Pointer;
        if (_execution.RunsAtEnqueue)
        {
            return CuResult.Success;
        }

        return Enqueue(
            stream,
            new StreamCommand
            {
                Kind = CommandKind.Allocate,
                Destination = allocation.Address,
                Bytes = bytes,
                Subject = allocation,
            }
        );
    }

    /// <summary>A capture reserves the range for good; it lives from each replay's allocation node to its free node.</summary>
    private CuResult AllocateInGraph(
        CaptureSession capture,
        EmulatedDevice device,
        out DevicePointer pointer,
        ulong bytes,
        EmulatedStream stream
    )
    {
        pointer = default;
        EmulatedAllocation? allocation = device.Allocate(stream.Context, null, bytes);
        if (allocation is null)
        {
            return InvalidateWith(capture, CuResult.OutOfMemory);
        }

        allocation.IsLive = false;
        allocation.IsFreeRequested = true;
        allocation.Owners = 1;
        capture.Graph.Allocations.Add(allocation);
        pointer = allocation.Pointer;
        return Enqueue(
            stream,
            new StreamCommand
            {
                Kind = CommandKind.Allocate,
                Destination = allocation.Address,
                Bytes = bytes,
                Subject = allocation,
            }
        );
    }
}
