using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>A stream of the emulator: one order of work.</summary>
/// <remarks><b>Owns</b> its order. <b>Thread</b> any; work that runs at enqueue runs under <see cref="Gate"/>. <b>Blocks</b> while such
/// work of another thread runs.</remarks>
internal sealed class EmulatedStream(EmulatedMachine machine, EmulatedCudaContext context, CuStreamFlags flags, int priority)
    : EmulatedObject
{
    public EmulatedCudaContext Context { get; } = context;

    public CuStreamFlags Flags { get; } = flags;

    public int Priority { get; } = priority;

    /// <summary>Held while work of this stream runs.</summary>
    public Lock Gate { get; } = new();

    /// <summary>How kernels of this stream reach memory.</summary>
    public KernelMemory Memory { get; } = new(machine);

    /// <summary>Where it stands in the capture it takes part in.</summary>
    public CapturePlace Place { get; } = new(context);

    /// <summary>The capture it takes part in, or null.</summary>
    public CaptureSession? Capture => Place.Session;

    /// <summary>Reused for kernels that run at enqueue; under <see cref="Gate"/>.</summary>
    public KernelLaunch Scratch { get; } = new();

    /// <summary>The last piece of queued work, or null.</summary>
    public WorkItem? Tail { get; set; }

    /// <summary>Its component of the vector clocks; −1 until it has queued work.</summary>
    public int Timeline { get; set; } = -1;

    public override string Describe() => $"stream of device {Context.Device.Ordinal}";
}
