using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>The calling thread's stack of device contexts, and calls on its top.</content>
internal sealed partial class EmulatedCudaDriver
{
    public CuResult CtxPushCurrent(CuContext context)
    {
        CuResult status = Enter(out HostThread? thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (context.IsNull)
        {
            return CuResult.InvalidValue;
        }

        EmulatedCudaContext? found = _contexts.Find(context.Value);
        if (found is null)
        {
            return CuResult.InvalidContext;
        }

        thread.Push(found);
        return CuResult.Success;
    }

    public CuResult CtxPopCurrent(out CuContext context)
    {
        context = default;
        CuResult status = Enter(out HostThread? thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (!thread.TryPop(out EmulatedCudaContext? popped))
        {
            return CuResult.InvalidContext;
        }

        if (popped is not null)
        {
            context = popped.Context;
        }

        return CuResult.Success;
    }

    public CuResult CtxSetCurrent(CuContext context)
    {
        CuResult status = Enter(out HostThread? thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (context.IsNull)
        {
            thread.Set(null);
            return CuResult.Success;
        }

        EmulatedCudaContext? found = _contexts.Find(context.Value);
        if (found is null)
        {
            return CuResult.InvalidContext;
        }

        thread.Set(found);
        return CuResult.Success;
    }

    public CuResult CtxGetCurrent(out CuContext context)
    {
        context = default;
        CuResult status = Enter(out HostThread? thread);
        if (status == CuResult.Success && thread.Current is { } current)
        {
            context = current.Context;
        }

        return status;
    }

    public CuResult CtxGetDevice(out CuDevice device)
    {
        device = default;
        CuResult status = Enter(out HostThread? thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (thread.Current is null)
        {
            return CuResult.InvalidContext;
        }

        device = new CuDevice(thread.Current.Device.Ordinal);
        return CuResult.Success;
    }

    public CuResult CtxSynchronize()
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

        status = _captures.GuardContext(context);
        if (status != CuResult.Success)
        {
            return status;
        }

        _execution.Drain(context.Device);
        return context.Failure;
    }

    public CuResult CtxEnablePeerAccess(CuContext peer)
    {
        CuResult status = EnterContext(out _, out EmulatedCudaContext? context);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedCudaContext? other = _contexts.Find(peer.Value);
        if (other is null || other.Retains == 0)
        {
            return CuResult.InvalidContext;
        }

        if (!CanReach(context.Device, other.Device))
        {
            return CuResult.PeerAccessUnsupported;
        }

        return context.AddPeer(other) ? CuResult.Success : CuResult.PeerAccessAlreadyEnabled;
    }

    public CuResult CtxDisablePeerAccess(CuContext peer)
    {
        CuResult status = EnterContext(out _, out EmulatedCudaContext? context);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedCudaContext? other = _contexts.Find(peer.Value);
        if (other is null)
        {
            return CuResult.InvalidContext;
        }

        return context.RemovePeer(other) ? CuResult.Success : CuResult.PeerAccessNotEnabled;
    }
}
