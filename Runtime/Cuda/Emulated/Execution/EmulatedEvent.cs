using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>An event of the emulator: the last place it was recorded, and whether that place is inside a capture.</summary>
internal sealed class EmulatedEvent(EmulatedCudaContext context, CuEventFlags flags) : EmulatedObject
{
    public EmulatedCudaContext Context { get; } = context;

    public CuEventFlags Flags { get; } = flags;

    public bool HasTiming => (Flags & CuEventFlags.DisableTiming) == 0;

    /// <summary>True once it was recorded outside a capture.</summary>
    public bool IsRecorded { get; set; }

    /// <summary>When the last record was reached, in ticks of <see cref="TimeSpan"/> on the clock of the policy.</summary>
    public long ReachedAt { get; set; }

    /// <summary>The last record where work is queued; null where it ran at enqueue or was never recorded.</summary>
    public WorkItem? LastRecord { get; set; }

    /// <summary>The capture it was last recorded in; null when its last record was real.</summary>
    public CaptureSession? Capture { get; set; }

    /// <summary>The graph nodes its captured record stands behind.</summary>
    public int[] CapturedBehind { get; set; } = [];

    public override string Describe() => $"event of device {Context.Device.Ordinal}";
}
