namespace Troupe.Runtime.Cuda;

/// <summary>Brings a thread that calls a driver into thread-local capture mode, for good: from then on none of its calls ends what a
/// library records in global mode on another thread.</summary>
/// <remarks>A thread whose caller has made it relaxed stays so. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal static class CallingThread
{
    /// <summary>Of which driver the thread is so; weak, since threads outlive emulated drivers.</summary>
    [ThreadStatic]
    private static WeakReference<ICudaDriver>? _prepared;

    /// <summary>Before the thread's first call of this driver that a recording elsewhere could forbid.</summary>
    public static void Prepare(ICudaDriver driver)
    {
        if (_prepared is { } prepared && prepared.TryGetTarget(out ICudaDriver? known) && ReferenceEquals(known, driver))
        {
            return;
        }

        CuStreamCaptureMode mode = CuStreamCaptureMode.ThreadLocal;
        CuResult status = driver.ThreadExchangeStreamCaptureMode(ref mode);
        if (status == CuResult.Success && mode == CuStreamCaptureMode.Relaxed)
        {
            status = driver.ThreadExchangeStreamCaptureMode(ref mode);
        }

        // Where the driver refuses even this, the call that was to come says why.
        _prepared = status == CuResult.Success ? new WeakReference<ICudaDriver>(driver) : null;
    }
}
