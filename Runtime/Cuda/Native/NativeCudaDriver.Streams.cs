using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Troupe.Runtime.Cuda.Native;

// SAFETY, for every method here: results are pinned locals of the caller, everything else is passed by value and checked by the driver.

/// <content>Streams, events and host functions.</content>
internal sealed unsafe partial class NativeCudaDriver
{
    public CuResult StreamCreate(out CuStream stream, CuStreamFlags flags, int priority)
    {
        fixed (CuStream* streamResult = &stream)
        {
            return _api.cuStreamCreateWithPriority(streamResult, flags, priority);
        }
    }

    public CuResult StreamDestroy(CuStream stream) => stream.IsNull ? CuResult.InvalidHandle : _api.cuStreamDestroy(stream);

    public CuResult StreamQuery(CuStream stream) => stream.IsNull ? CuResult.InvalidHandle : _api.cuStreamQuery(stream);

    public CuResult StreamSynchronize(CuStream stream) => stream.IsNull ? CuResult.InvalidHandle : _api.cuStreamSynchronize(stream);

    public CuResult StreamGetCtx(CuStream stream, out CuContext context)
    {
        if (stream.IsNull)
        {
            context = default;
            return CuResult.InvalidHandle;
        }

        fixed (CuContext* contextResult = &context)
        {
            return _api.cuStreamGetCtx(stream, contextResult);
        }
    }

    public CuResult StreamGetFlags(CuStream stream, out CuStreamFlags flags)
    {
        if (stream.IsNull)
        {
            flags = default;
            return CuResult.InvalidHandle;
        }

        fixed (CuStreamFlags* flagsResult = &flags)
        {
            return _api.cuStreamGetFlags(stream, flagsResult);
        }
    }

    public CuResult StreamWaitEvent(CuStream stream, CuEvent @event) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuStreamWaitEvent(stream, @event, 0);

    public CuResult EventCreate(out CuEvent @event, CuEventFlags flags)
    {
        fixed (CuEvent* eventResult = &@event)
        {
            return _api.cuEventCreate(eventResult, flags);
        }
    }

    public CuResult EventDestroy(CuEvent @event) => _api.cuEventDestroy(@event);

    public CuResult EventRecord(CuEvent @event, CuStream stream) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuEventRecord(@event, stream);

    public CuResult EventQuery(CuEvent @event) => _api.cuEventQuery(@event);

    public CuResult EventSynchronize(CuEvent @event) => _api.cuEventSynchronize(@event);

    public CuResult EventElapsedTime(out float milliseconds, CuEvent start, CuEvent end)
    {
        fixed (float* millisecondsResult = &milliseconds)
        {
            return _api.cuEventElapsedTime(millisecondsResult, start, end);
        }
    }

    public CuResult LaunchHostFunc(CuStream stream, HostFunction function)
    {
        if (stream.IsNull)
        {
            return CuResult.InvalidHandle;
        }

        // SAFETY: the trampoline lives as long as the process, and gets a number that is no address.
        delegate* unmanaged[Cdecl]<nint, void> trampoline = &Trampoline;
        return _api.cuLaunchHostFunc(stream, (nint)trampoline, function.NativeNumber());
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Trampoline(nint number) => HostFunction.Call(number);
}
