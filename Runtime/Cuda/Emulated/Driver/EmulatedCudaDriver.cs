using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <summary>
/// Emulated devices behind the driver port: the default where there is no GPU, and the strict double that makes a program fail here
/// when it would be wrong on a GPU. Its verdicts are those of CUDA; the contract suite holds both to them.
/// </summary>
/// <remarks>
/// Split by area over several files. <b>Owns</b> the emulated devices with all their memory; disposing frees it.
/// <b>Thread</b> any; threads that use different devices share no lock. <b>Blocks</b> as CUDA does, and in the inline policy while work
/// runs.
/// </remarks>
internal sealed partial class EmulatedCudaDriver : ICudaDriver, IManagedLauncher
{
    private readonly EmulatedMachine _machine;
    private readonly FaultInjector _faults;
    private readonly HandleTable<EmulatedCudaContext> _contexts = new(1);
    private readonly HandleTable<EmulatedStream> _streams = new(2);
    private readonly HandleTable<EmulatedEvent> _events = new(3);
    private readonly HandleTable<EmulatedGraph> _graphs = new(4);
    private readonly HandleTable<EmulatedGraphExec> _executables = new(5);
    private readonly HandleTable<EmulatedImage> _images = new(6);
    private readonly HandleTable<EmulatedKernel> _kernels = new(7);
    private readonly EmulatedExecution _execution;
    private volatile bool _isDisposed;

    public EmulatedCudaDriver(EmulatedDriverOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _machine = new EmulatedMachine(options.Devices)
        {
            IsStrict = options.IsStrict,
            HasVirtualClock = options.Policy == ExecutionPolicy.Timed,
            FaultsEndTheProcess = options.FaultsEndTheProcess,
        };
        foreach (EmulatedDevice device in _machine.Devices)
        {
            _contexts.Add(device.Primary);
        }

        _faults = new FaultInjector(options.Seed, options.FaultRates);
        foreach (EmulatedFault fault in options.Faults)
        {
            Inject(fault);
        }

        _execution = options.Policy switch
        {
            ExecutionPolicy.Inline => new InlineExecution(_machine),
            ExecutionPolicy.Deferred => new DeferredExecution(_machine, options.Seed, options.Pump),
            ExecutionPolicy.Timed => new TimedExecution(_machine, options.QueryTime),
        };
    }

    /// <summary>What went wrong inside work, one line each, oldest first: statuses tell only the code.</summary>
    public IReadOnlyCollection<string> Reports => _machine.Reports;

    /// <summary>A copy of one device's counters.</summary>
    public EmulatedDeviceSnapshot Snapshot(int ordinal) => _machine.Devices[ordinal].Counters.Snapshot();

    /// <summary>What is alive and was not given back, one line each. Active primary contexts count; empty after a clean shutdown.</summary>
    public IReadOnlyList<string> Alive()
    {
        var alive = new List<string>();
        alive.AddRange(_contexts.Alive().Where(context => context.Retains > 0).Select(context => context.Describe()));
        alive.AddRange(_streams.Alive().Select(stream => stream.Describe()));
        alive.AddRange(_events.Alive().Select(@event => @event.Describe()));
        alive.AddRange(_graphs.Alive().Select(graph => graph.Describe()));
        alive.AddRange(_executables.Alive().Select(executable => executable.Describe()));
        alive.AddRange(_images.Alive().Select(image => image.Describe()));
        foreach (EmulatedDevice device in _machine.Devices)
        {
            alive.AddRange(
                device.Held().Where(range => range.IsLive).Select(range => $"device memory of {range.Size} bytes at 0x{range.Address:x}")
            );
        }

        alive.AddRange(_machine.HostMemory.Describe());
        return alive;
    }

    /// <summary>The virtual clock of the timed policy.</summary>
    /// <exception cref="InvalidOperationException">The driver has another policy.</exception>
    public TimedExecution Clock =>
        _execution as TimedExecution
        ?? throw new InvalidOperationException("The clock of this driver is a real one: only the timed policy has a virtual clock.");

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _execution.Dispose();
        _machine.Dispose();
    }

    /// <summary>What every call checks: a host function or kernel may call nothing, a disposed driver answers nothing.</summary>
    private CuResult Enter(out HostThread thread)
    {
        if (_isDisposed)
        {
            thread = null!;
            return CuResult.Deinitialized;
        }

        thread = _machine.Thread;
        return thread.InsideWork == 0 ? CuResult.Success : CuResult.NotPermitted;
    }

    /// <summary>What calls on the current device context check besides.</summary>
    private CuResult EnterContext(out HostThread thread, out EmulatedCudaContext context)
    {
        context = null!;
        CuResult status = Enter(out thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedCudaContext? current = thread.Current;
        if (current is null)
        {
            return CuResult.InvalidContext;
        }

        context = current;
        return Health(current);
    }

    /// <summary>What calls on a stream check besides. The stream brings its context along: the current one does not matter.</summary>
    private CuResult EnterStream(CuStream handle, out EmulatedStream stream)
    {
        stream = null!;
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedStream? found = _streams.Find(handle.Value);
        if (found is null)
        {
            return CuResult.InvalidHandle;
        }

        stream = found;
        return Health(found.Context);
    }

    private static CuResult Health(EmulatedCudaContext context)
    {
        CuResult failure = context.Failure;
        if (failure != CuResult.Success)
        {
            return failure;
        }

        return context.Retains == 0 ? CuResult.ContextIsDestroyed : CuResult.Success;
    }
}
