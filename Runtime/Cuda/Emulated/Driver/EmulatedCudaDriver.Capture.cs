using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Capture: which work is recorded, and which calls a running capture forbids.</content>
internal sealed partial class EmulatedCudaDriver
{
    private readonly CaptureTable _captures = new();

    public CuResult StreamBeginCapture(CuStream stream, CuStreamCaptureMode mode)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (mode is not (CuStreamCaptureMode.Global or CuStreamCaptureMode.ThreadLocal or CuStreamCaptureMode.Relaxed))
        {
            return CuResult.InvalidValue;
        }

        if (found.Capture is not null)
        {
            return CuResult.IllegalState;
        }

        _captures.Begin(found.Place, mode, _machine.Thread);
        return CuResult.Success;
    }

    public CuResult StreamEndCapture(CuStream stream, out CuGraph graph)
    {
        graph = default;
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.Capture is not { } capture)
        {
            return CuResult.IllegalState;
        }

        if (capture.Origin != found.Place)
        {
            return InvalidateWith(capture, CuResult.StreamCaptureUnmatched);
        }

        if (capture.Mode != CuStreamCaptureMode.Relaxed && capture.Thread != _machine.Thread)
        {
            Abandon(capture);
            return CuResult.StreamCaptureWrongThread;
        }

        if (_faults.Apply(EmulatedFaultKind.FailedCapture, found.Context.Device) != CuResult.Success)
        {
            capture.Invalidate();
        }

        bool isUnjoined = !capture.IsInvalidated && capture.HasUnjoinedWork();
        bool isInvalidated = capture.IsInvalidated;
        if (isInvalidated || isUnjoined)
        {
            Abandon(capture);
            return isInvalidated ? CuResult.StreamCaptureInvalidated : CuResult.StreamCaptureUnjoined;
        }

        _captures.End(capture);
        EmulatedCounters.Count(ref found.Context.Device.Counters.Captures);
        graph = new CuGraph(_graphs.Add(capture.Graph));
        return CuResult.Success;
    }

    public CuResult StreamGetCaptureInfo(CuStream stream, out CuStreamCaptureStatus status, out ulong captureId)
    {
        status = CuStreamCaptureStatus.None;
        captureId = 0;
        CuResult result = EnterStream(stream, out EmulatedStream? found);
        if (result != CuResult.Success)
        {
            return result;
        }

        if (found.Capture is not { } capture)
        {
            return CuResult.Success;
        }

        status = capture.IsInvalidated ? CuStreamCaptureStatus.Invalidated : CuStreamCaptureStatus.Active;
        captureId = capture.Id;
        return CuResult.Success;
    }

    public CuResult ThreadExchangeStreamCaptureMode(ref CuStreamCaptureMode mode)
    {
        CuResult status = Enter(out HostThread? thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (mode is not (CuStreamCaptureMode.Global or CuStreamCaptureMode.ThreadLocal or CuStreamCaptureMode.Relaxed))
        {
            return CuResult.InvalidValue;
        }

        (mode, thread.CaptureMode) = (thread.CaptureMode, mode);
        return CuResult.Success;
    }

    private static CuResult WaitInCapture(EmulatedStream stream, EmulatedEvent awaited)
    {
        CaptureSession? recorded = awaited.Capture;
        if (stream.Capture is { } own)
        {
            if (own.IsInvalidated)
            {
                return CuResult.StreamCaptureInvalidated;
            }

            if (recorded == own)
            {
                own.Merge(stream.Place, awaited.CapturedBehind);
                return CuResult.Success;
            }

            if (recorded is { IsEnded: true })
            {
                return InvalidateWith(own, CuResult.InvalidValue);
            }

            if (recorded is null)
            {
                return awaited.IsRecorded ? InvalidateWith(own, CuResult.StreamCaptureIsolation) : CuResult.Success;
            }

            recorded.Invalidate();
            return InvalidateWith(own, CuResult.StreamCaptureMerge);
        }

        if (recorded!.IsEnded)
        {
            return CuResult.InvalidValue;
        }

        if (recorded.IsInvalidated)
        {
            return CuResult.StreamCaptureInvalidated;
        }

        recorded.Join(stream.Place, awaited.CapturedBehind);
        return CuResult.Success;
    }

    private static CuResult InvalidateWith(CaptureSession capture, CuResult status)
    {
        capture.Invalidate();
        return status;
    }

    /// <summary>Ends a capture without a graph.</summary>
    private void Abandon(CaptureSession capture)
    {
        EmulatedCounters.Count(ref capture.Origin.Context.Device.Counters.FailedCaptures);
        _captures.End(capture);
    }
}
