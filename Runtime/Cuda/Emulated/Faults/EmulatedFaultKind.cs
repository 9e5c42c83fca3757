namespace Troupe.Runtime.Cuda.Emulated.Faults;

/// <summary>What an injected fault does.</summary>
internal enum EmulatedFaultKind
{
    /// <summary>An allocation of device or pinned memory answers out of memory.</summary>
    AllocationFailure,

    /// <summary>An event is refused: its creation answers out of memory.</summary>
    RefusedEvent,

    /// <summary>A launch of a kernel or graph is refused; the device stays healthy.</summary>
    RefusedLaunch,

    /// <summary>A capture is invalidated when it ends.</summary>
    FailedCapture,

    /// <summary>A launch is taken and then fails the device; the error surfaces at a later call and stays.</summary>
    StickyError,

    /// <summary>The device is gone at once, in the middle of a call.</summary>
    LostDevice,

    /// <summary>Kernels take a multiple of their time from then on.</summary>
    SlowDevice,
}
