using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Device memory taken and given back in the order of a stream, inside a capture too.</content>
internal sealed partial class EmulatedCudaDriver
{
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
