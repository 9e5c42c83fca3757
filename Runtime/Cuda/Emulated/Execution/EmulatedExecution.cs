using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>When and where enqueued work runs: one subclass per execution policy.</summary>
/// <remarks><b>Owns</b> the work that has not run. <b>Thread</b> any. <b>Blocks</b> only in the Drain methods.</remarks>
internal abstract class EmulatedExecution : IDisposable
{
    /// <summary>True when work runs within the enqueuing call.</summary>
    public abstract bool RunsAtEnqueue { get; }

    public abstract CuResult Submit(EmulatedStream stream, in StreamCommand command);

    public abstract CuResult Submit(EmulatedStream stream, EmulatedGraphExec executable);

    /// <summary>Work that the host does itself at this moment: a synchronous copy.</summary>
    public abstract CuResult RunNow(EmulatedCudaContext context, in StreamCommand command);

    /// <summary>Records an event behind everything enqueued on a stream.</summary>
    public abstract void Record(EmulatedStream stream, EmulatedEvent @event);

    /// <summary>Makes later work of a stream wait for the event's last record.</summary>
    public abstract void Wait(EmulatedStream stream, EmulatedEvent @event);

    public abstract bool IsDone(EmulatedStream stream);

    public abstract bool IsDone(EmulatedEvent @event);

    public abstract void Drain(EmulatedStream stream);

    public abstract void Drain(EmulatedEvent @event);

    /// <summary>Waits for all work of a device; null for all devices.</summary>
    public abstract void Drain(EmulatedDevice? device);

    /// <summary>Time on the policy's clock, in ticks of <see cref="TimeSpan"/>.</summary>
    public abstract long Now { get; }

    /// <summary>Stops the threads of the policy; work that has not run is dropped.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }
}
