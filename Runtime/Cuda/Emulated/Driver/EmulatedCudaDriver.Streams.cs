using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Streams and the work they take.</content>
internal sealed partial class EmulatedCudaDriver
{
    public CuResult StreamCreate(out CuStream stream, CuStreamFlags flags, int priority)
    {
        stream = default;
        CuResult status = EnterContext(out _, out EmulatedCudaContext? context);
        if (status != CuResult.Success)
        {
            return status;
        }

        if ((flags & ~CuStreamFlags.NonBlocking) != 0)
        {
            return CuResult.InvalidValue;
        }

        var created = new EmulatedStream(_machine, context, flags, priority);
        _streams.Add(created);
        context.Device.AddStream(created.Gate);
        EmulatedCounters.Count(ref context.Device.Counters.Streams);
        stream = new CuStream(created.Handle);
        return CuResult.Success;
    }

    public CuResult StreamDestroy(CuStream stream)
    {
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_streams.Find(stream.Value) is not { } found)
        {
            return CuResult.InvalidHandle;
        }

        if (found.Capture is { } capture)
        {
            Abandon(capture);
        }

        return DestroyStream(stream.Value) ? found.Context.Failure : CuResult.InvalidHandle;
    }

    public CuResult StreamQuery(CuStream stream)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.Capture is { } capture)
        {
            return InvalidateWith(capture, CuResult.StreamCaptureUnsupported);
        }

        status = _captures.Guard(_machine.Thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (!_execution.IsDone(found))
        {
            return CuResult.NotReady;
        }

        return found.Context.Failure;
    }

    public CuResult StreamSynchronize(CuStream stream)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.Capture is { } capture)
        {
            return InvalidateWith(capture, CuResult.StreamCaptureUnsupported);
        }

        status = _captures.Guard(_machine.Thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        _execution.Drain(found);
        return found.Context.Failure;
    }

    public CuResult StreamGetCtx(CuStream stream, out CuContext context)
    {
        context = default;
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        context = found.Context.Context;
        return CuResult.Success;
    }

    public CuResult StreamGetFlags(CuStream stream, out CuStreamFlags flags)
    {
        flags = default;
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.Capture is { } capture)
        {
            return InvalidateWith(capture, CuResult.StreamCaptureUnsupported);
        }

        flags = found.Flags;
        return CuResult.Success;
    }

    public CuResult StreamWaitEvent(CuStream stream, CuEvent @event)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_events.Find(@event.Value) is not { } awaited)
        {
            return CuResult.InvalidHandle;
        }

        if (found.Capture is not null || awaited.Capture is not null)
        {
            return WaitInCapture(found, awaited);
        }

        EmulatedCounters.Count(ref found.Context.Device.Counters.EventWaits);
        if (awaited.IsRecorded)
        {
            _execution.Wait(found, awaited);
        }

        return CuResult.Success;
    }

    public CuResult LaunchHostFunc(CuStream stream, HostFunction function)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (function is null)
        {
            return CuResult.InvalidValue;
        }

        return Enqueue(found, new StreamCommand { Kind = CommandKind.HostCall, Subject = function });
    }

    /// <summary>Hands work to the capture its stream takes part in, or to the execution policy.</summary>
    private CuResult Enqueue(EmulatedStream stream, in StreamCommand command)
    {
        if (stream.Capture is not { } capture)
        {
            return _execution.Submit(stream, in command);
        }

        if (capture.IsInvalidated)
        {
            return CuResult.StreamCaptureInvalidated;
        }

        capture.Add(stream.Place, in command);
        return CuResult.Success;
    }

    /// <summary>The handle is void at once; work in flight finishes.</summary>
    private bool DestroyStream(nint handle)
    {
        if (_streams.Remove(handle) is not { } stream)
        {
            return false;
        }

        if (!_execution.RunsAtEnqueue || _execution.IsDone(stream))
        {
            stream.Context.Device.RemoveStream(stream.Gate);
        }

        return true;
    }
}
