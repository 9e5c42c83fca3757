namespace Troupe.Runtime.Cuda.Native;

// SAFETY, for every method here: results are pinned locals of the caller, everything else is passed by value and checked by the driver.

/// <content>Device contexts.</content>
internal sealed unsafe partial class NativeCudaDriver
{
    public CuResult DevicePrimaryCtxRetain(out CuContext context, CuDevice device)
    {
        fixed (CuContext* contextResult = &context)
        {
            return _api.cuDevicePrimaryCtxRetain(contextResult, device);
        }
    }

    public CuResult DevicePrimaryCtxRelease(CuDevice device) => _api.cuDevicePrimaryCtxRelease(device);

    public CuResult CtxCreate(out CuContext context, CuDevice device)
    {
        fixed (CuContext* contextResult = &context)
        {
            return _api.cuCtxCreate(contextResult, 0, device);
        }
    }

    public CuResult CtxDestroy(CuContext context) => _api.cuCtxDestroy(context);

    public CuResult CtxPushCurrent(CuContext context) => _api.cuCtxPushCurrent(context);

    public CuResult CtxPopCurrent(out CuContext context)
    {
        fixed (CuContext* contextResult = &context)
        {
            return _api.cuCtxPopCurrent(contextResult);
        }
    }

    public CuResult CtxSetCurrent(CuContext context) => _api.cuCtxSetCurrent(context);

    public CuResult CtxGetCurrent(out CuContext context)
    {
        fixed (CuContext* contextResult = &context)
        {
            return _api.cuCtxGetCurrent(contextResult);
        }
    }

    public CuResult CtxGetDevice(out CuDevice device)
    {
        fixed (CuDevice* deviceResult = &device)
        {
            return _api.cuCtxGetDevice(deviceResult);
        }
    }

    public CuResult CtxSynchronize() => _api.cuCtxSynchronize();

    public CuResult CtxEnablePeerAccess(CuContext peer) => _api.cuCtxEnablePeerAccess(peer, 0);

    public CuResult CtxDisablePeerAccess(CuContext peer) => _api.cuCtxDisablePeerAccess(peer);

    public CuResult DevicePrimaryCtxGetState(CuDevice device, out bool active)
    {
        uint flags;
        int state;
        CuResult status = _api.cuDevicePrimaryCtxGetState(device, &flags, &state);
        active = status == CuResult.Success && state != 0;
        return status;
    }
}
