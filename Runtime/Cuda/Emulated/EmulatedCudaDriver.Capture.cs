namespace Troupe.Runtime.Cuda.Emulated;

/// <content>Capture: which work is recorded, and which calls a running capture forbids.</content>
internal sealed partial class EmulatedCudaDriver
{
    private readonly Lock _captureGate = new();
    private readonly List<CaptureSession> _captures = [];
    private int _globalCaptures;
    private ulong _captureIds;

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

        HostThread thread = Thread;
        lock (_captureGate)
        {
            var session = new CaptureSession(++_captureIds, found, mode, thread);
            _captures.Add(session);
            session.Join(found, []);
            if (mode == CuStreamCaptureMode.Global)
            {
                Volatile.Write(ref _globalCaptures, _globalCaptures + 1);
            }

            if (mode != CuStreamCaptureMode.Relaxed)
            {
                thread.StrictCaptures++;
            }
        }

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

        if (capture.Origin != found)
        {
            return InvalidateWith(capture, CuResult.StreamCaptureUnmatched);
        }

        if (capture.Mode != CuStreamCaptureMode.Relaxed && capture.Thread != Thread)
        {
            Abandon(capture);
            return CuResult.StreamCaptureWrongThread;
        }

        if (Strike(EmulatedFaultKind.FailedCapture, found.Context.Device) != CuResult.Success)
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

        Finish(capture);
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

    /// <summary>Refuses a call that is unsafe while captures run, by this thread's mode and theirs, and invalidates the captures it would
    /// break.</summary>
    private CuResult Guard(HostThread thread)
    {
        if (thread.StrictCaptures == 0 && Volatile.Read(ref _globalCaptures) == 0)
        {
            return CuResult.Success;
        }

        if (thread.CaptureMode == CuStreamCaptureMode.Relaxed)
        {
            return CuResult.Success;
        }

        bool isRefused = false;
        lock (_captureGate)
        {
            foreach (CaptureSession capture in _captures)
            {
                bool isOwn = capture.Thread == thread && capture.Mode != CuStreamCaptureMode.Relaxed;
                bool isForeign = thread.CaptureMode == CuStreamCaptureMode.Global && capture.Mode == CuStreamCaptureMode.Global;
                if (!isOwn && !isForeign)
                {
                    continue;
                }

                capture.Invalidate();
                isRefused = true;
            }
        }

        return isRefused ? CuResult.StreamCaptureUnsupported : CuResult.Success;
    }

    /// <summary>Waiting for a whole context cannot be while one of its streams records, whatever the modes.</summary>
    private CuResult GuardContext(EmulatedCudaContext context)
    {
        bool isRefused = false;
        lock (_captureGate)
        {
            foreach (CaptureSession capture in _captures)
            {
                if (capture.Origin.Context != context)
                {
                    continue;
                }

                capture.Invalidate();
                isRefused = true;
            }
        }

        return isRefused ? CuResult.StreamCaptureUnsupported : CuResult.Success;
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
                own.Merge(stream, awaited.CapturedBehind);
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

        recorded.Join(stream, awaited.CapturedBehind);
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
        Finish(capture);
        ReleaseOwned(capture.Graph.Allocations);
    }

    private void Finish(CaptureSession capture)
    {
        lock (_captureGate)
        {
            if (!_captures.Remove(capture))
            {
                return;
            }

            capture.End();
            if (capture.Mode == CuStreamCaptureMode.Global)
            {
                Volatile.Write(ref _globalCaptures, _globalCaptures - 1);
            }

            if (capture.Mode != CuStreamCaptureMode.Relaxed)
            {
                capture.Thread.StrictCaptures--;
            }
        }
    }
}
