namespace Troupe.Runtime.Cuda.Emulated;

/// <summary>When and where enqueued work runs: one subclass per execution policy.</summary>
/// <remarks><b>Owns</b> the work that has not run. <b>Thread</b> any. <b>Blocks</b> only in the Drain methods.</remarks>
internal abstract class HostExecution : IDisposable
{
    /// <summary>True when work runs within the enqueuing call.</summary>
    public abstract bool RunsAtEnqueue { get; }

    public abstract CuResult Submit(HostStream stream, in StreamCommand command);

    public abstract CuResult Submit(HostStream stream, HostGraphExec executable);

    /// <summary>Work that the host does itself at this moment: a synchronous copy.</summary>
    public abstract CuResult RunNow(HostContext context, in StreamCommand command);

    /// <summary>Records an event behind everything enqueued on a stream.</summary>
    public abstract void Record(HostStream stream, HostEvent @event);

    /// <summary>Makes later work of a stream wait for the event's last record.</summary>
    public abstract void Wait(HostStream stream, HostEvent @event);

    public abstract bool IsDone(HostStream stream);

    public abstract bool IsDone(HostEvent @event);

    public abstract void Drain(HostStream stream);

    public abstract void Drain(HostEvent @event);

    /// <summary>Waits for all work of a device; null for all devices.</summary>
    public abstract void Drain(HostDevice? device);

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
