using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Events.</content>
internal sealed partial class EmulatedCudaDriver
{
    public CuResult EventCreate(out CuEvent @event, CuEventFlags flags)
    {
        @event = default;
        CuResult status = EnterContext(out _, out EmulatedCudaContext? context);
        if (status != CuResult.Success)
        {
            return status;
        }

        if ((flags & ~(CuEventFlags.BlockingSync | CuEventFlags.DisableTiming)) != 0)
        {
            return CuResult.InvalidValue;
        }

        status = _faults.Apply(EmulatedFaultKind.RefusedEvent, context.Device);
        if (status != CuResult.Success)
        {
            return status;
        }

        @event = new CuEvent(_events.Add(new EmulatedEvent(context, flags)));
        EmulatedCounters.Count(ref context.Device.Counters.Events);
        return CuResult.Success;
    }

    public CuResult EventDestroy(CuEvent @event)
    {
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        return _events.Remove(@event.Value) is { } removed ? removed.Context.Failure : CuResult.InvalidHandle;
    }

    public CuResult EventRecord(CuEvent @event, CuStream stream)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_events.Find(@event.Value) is not { } recorded || recorded.Context != found.Context)
        {
            return CuResult.InvalidHandle;
        }

        if (found.Capture is { } capture)
        {
            if (capture.IsInvalidated)
            {
                return CuResult.StreamCaptureInvalidated;
            }

            recorded.Capture = capture;
            recorded.CapturedBehind = found.Place.Frontier;
            return CuResult.Success;
        }

        recorded.Capture = null;
        EmulatedCounters.Count(ref found.Context.Device.Counters.EventRecords);
        _execution.Record(found, recorded);
        return CuResult.Success;
    }

    public CuResult EventQuery(CuEvent @event)
    {
        CuResult status = EnterEvent(@event, out HostThread? thread, out EmulatedEvent? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.Capture is not null)
        {
            return CapturedCall(found);
        }

        status = _captures.Guard(thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.IsRecorded && !_execution.IsDone(found))
        {
            return CuResult.NotReady;
        }

        return found.Context.Failure;
    }

    public CuResult EventSynchronize(CuEvent @event)
    {
        CuResult status = EnterEvent(@event, out HostThread? thread, out EmulatedEvent? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.Capture is not null)
        {
            return CapturedCall(found);
        }

        status = _captures.Guard(thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.IsRecorded)
        {
            _execution.Drain(found);
        }

        return found.Context.Failure;
    }

    public CuResult EventElapsedTime(out float milliseconds, CuEvent start, CuEvent end)
    {
        milliseconds = 0;
        CuResult status = EnterEvent(start, out _, out EmulatedEvent? from);
        if (status != CuResult.Success)
        {
            return status;
        }

        status = EnterEvent(end, out _, out EmulatedEvent? to);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (from.Capture is not null || to.Capture is not null)
        {
            return CuResult.CapturedEvent;
        }

        if (from.Context != to.Context || !from.HasTiming || !to.HasTiming || !from.IsRecorded || !to.IsRecorded)
        {
            return CuResult.InvalidHandle;
        }

        if (!_execution.IsDone(from) || !_execution.IsDone(to))
        {
            return CuResult.NotReady;
        }

        milliseconds = (float)new TimeSpan(to.ReachedAt - from.ReachedAt).TotalMilliseconds;
        return CuResult.Success;
    }

    private CuResult EnterEvent(CuEvent handle, out HostThread thread, out EmulatedEvent found)
    {
        found = null!;
        CuResult status = Enter(out thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_events.Find(handle.Value) is not { } known)
        {
            return CuResult.InvalidHandle;
        }

        found = known;
        return Health(found.Context);
    }

    /// <summary>An event whose last record is in a capture has no state the host could ask for; asking ends the capture.</summary>
    private static CuResult CapturedCall(EmulatedEvent @event)
    {
        if (@event.Capture is not { IsEnded: false } capture)
        {
            return CuResult.InvalidValue;
        }

        capture.Invalidate();
        return CuResult.CapturedEvent;
    }
}
