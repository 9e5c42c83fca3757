namespace Troupe.Runtime.Cuda.Emulated.Faults;

/// <summary>One fault to inject: on which device, at which matching call, and how often.</summary>
internal sealed record EmulatedFault(EmulatedFaultKind Kind, int Ordinal)
{
    /// <value>Matching calls that pass before it happens.</value>
    public int After { get; init; }

    /// <value>Matching calls it happens to; a sticky error, loss or slowness happens once and lasts.</value>
    public int Times { get; init; } = 1;

    /// <value>Status the call or the device answers; null for the usual one of the kind.</value>
    public CuResult? Status { get; init; }

    /// <value>Factor on the time of kernels, for a slow device.</value>
    public double SlowDown { get; init; } = 10;

    /// <summary>The status in force.</summary>
    public CuResult EffectiveStatus =>
        Status
        ?? Kind switch
        {
            EmulatedFaultKind.AllocationFailure or EmulatedFaultKind.RefusedEvent => CuResult.OutOfMemory,
            EmulatedFaultKind.RefusedLaunch => CuResult.LaunchOutOfResources,
            EmulatedFaultKind.FailedCapture => CuResult.StreamCaptureInvalidated,
            EmulatedFaultKind.StickyError => CuResult.LaunchFailed,
            EmulatedFaultKind.LostDevice => CuResult.EccUncorrectable,
            EmulatedFaultKind.SlowDevice => CuResult.Success,
        };
}
