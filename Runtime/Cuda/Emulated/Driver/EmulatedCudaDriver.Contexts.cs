using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Device contexts: retained, created, and their end.</content>
internal sealed partial class EmulatedCudaDriver
{
    private readonly Lock _contextGate = new();

    public CuResult DevicePrimaryCtxRetain(out CuContext context, CuDevice device)
    {
        context = default;
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        lock (_contextGate)
        {
            // One that is active already is only counted, also on a faulted device: its next use tells.
            if (found.Primary.Retains == 0 && found.Failure != CuResult.Success)
            {
                return found.Failure;
            }

            if (found.Primary.Retains++ == 0)
            {
                found.Primary.ForgetPeers();
                EmulatedCounters.Count(ref found.Counters.Contexts);
            }
        }

        context = found.Primary.Context;
        return CuResult.Success;
    }

    public CuResult DevicePrimaryCtxRelease(CuDevice device)
    {
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        lock (_contextGate)
        {
            if (found.Primary.Retains == 0)
            {
                return CuResult.InvalidContext;
            }

            if (found.Primary.Retains > 1)
            {
                found.Primary.Retains--;
                return CuResult.Success;
            }
        }

        TearDown(found.Primary);
        lock (_contextGate)
        {
            found.Primary.Retains = 0;
        }

        return CuResult.Success;
    }

    public CuResult DevicePrimaryCtxGetState(CuDevice device, out bool active)
    {
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        active = status == CuResult.Success && found.Primary.Retains > 0;
        return status;
    }

    public CuResult CtxCreate(out CuContext context, CuDevice device)
    {
        context = default;
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.Failure != CuResult.Success)
        {
            return found.Failure;
        }

        var created = new EmulatedCudaContext(found, isPrimary: false) { Retains = 1 };
        _contexts.Add(created);
        EmulatedCounters.Count(ref found.Counters.Contexts);
        _machine.Thread.Push(created);
        context = created.Context;
        return CuResult.Success;
    }

    public CuResult CtxDestroy(CuContext context)
    {
        CuResult status = Enter(out HostThread? thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedCudaContext? found = _contexts.Find(context.Value);
        if (found is null || found.IsPrimary)
        {
            return CuResult.InvalidContext;
        }

        TearDown(found);
        if (_contexts.Remove(context.Value) is null)
        {
            return CuResult.InvalidContext;
        }

        found.Retains = 0;
        if (thread.Current == found)
        {
            thread.TryPop(out _);
        }

        return CuResult.Success;
    }

    /// <summary>Ends everything that belongs to a context, after the work in flight.</summary>
    private void TearDown(EmulatedCudaContext context)
    {
        _execution.Drain(context.Device);
        foreach (EmulatedGraphExec? executable in _executables.Alive().Where(each => each.Context == context))
        {
            DestroyExecutable(executable.Handle);
        }

        foreach (EmulatedGraph? graph in _graphs.Alive().Where(each => each.Context == context))
        {
            DestroyGraph(graph.Handle);
        }

        foreach (EmulatedStream? stream in _streams.Alive().Where(each => each.Context == context))
        {
            DestroyStream(stream.Handle);
        }

        foreach (EmulatedEvent? @event in _events.Alive().Where(each => each.Context == context))
        {
            _events.Remove(@event.Handle);
        }

        foreach (EmulatedImage? image in _images.Alive().Where(each => each.Context == context))
        {
            UnloadImage(image.Handle);
        }

        foreach (EmulatedAllocation range in context.Device.Held().Where(each => each.Context == context))
        {
            context.Device.ReturnToHost(range);
        }

        _machine.HostMemory.FreeAllOf(context);
    }
}
