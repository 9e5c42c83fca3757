using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Capture;

/// <summary>The captures that run on one driver, and which calls they forbid.</summary>
/// <remarks><b>Owns</b> the list. <b>Thread</b> any, under its lock; where no capture runs, asking takes none. <b>Blocks</b>
/// never.</remarks>
internal sealed class CaptureTable
{
    private readonly Lock _gate = new();
    private readonly List<CaptureSession> _captures = [];
    private int _globalCaptures;
    private ulong _lastId;

    public void Begin(CapturePlace origin, CuStreamCaptureMode mode, HostThread thread)
    {
        lock (_gate)
        {
            var session = new CaptureSession(++_lastId, origin, mode, thread);
            _captures.Add(session);
            session.Join(origin, []);
            if (mode == CuStreamCaptureMode.Global)
            {
                Volatile.Write(ref _globalCaptures, _globalCaptures + 1);
            }

            if (mode != CuStreamCaptureMode.Relaxed)
            {
                thread.StrictCaptures++;
            }
        }
    }

    /// <summary>Ends a capture; does nothing when somebody else did.</summary>
    public void End(CaptureSession capture)
    {
        lock (_gate)
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

    /// <summary>Refuses a call that is unsafe while captures run, by this thread's mode and theirs, and invalidates the captures it would
    /// break.</summary>
    public CuResult Guard(HostThread thread)
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
        lock (_gate)
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
    public CuResult GuardContext(EmulatedCudaContext context)
    {
        bool isRefused = false;
        lock (_gate)
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
}
