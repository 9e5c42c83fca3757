using System.Collections.Concurrent;

namespace Troupe.Runtime.Cuda.Emulated;

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
    /// <summary>Most devices one driver can have.</summary>
    public const int MaxDevices = 64;

    [ThreadStatic]
    private static HostThread? _callersThread;

    private readonly ThreadLocal<HostThread> _threads;
    private readonly HandleTable<EmulatedCudaContext> _contexts = new(1);
    private readonly HandleTable<EmulatedStream> _streams = new(2);
    private readonly HandleTable<EmulatedEvent> _events = new(3);
    private readonly HandleTable<EmulatedGraph> _graphs = new(4);
    private readonly HandleTable<EmulatedGraphExec> _executables = new(5);
    private readonly HandleTable<EmulatedImage> _images = new(6);
    private readonly HandleTable<EmulatedKernel> _kernels = new(7);
    private readonly HandleTable<EmulatedPool> _pools = new(8);
    private readonly HostMemoryTable _hostMemory = new();
    private readonly ConcurrentQueue<string> _reports = new();
    private readonly EmulatedExecution _execution;
    private int _guests;
    private volatile bool _isDisposed;

    public EmulatedCudaDriver(EmulatedDriverOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Devices.Count, MaxDevices, nameof(options));
        Options = options;
        IsStrict = options.IsStrict;
        _threads = new ThreadLocal<HostThread>(() => new HostThread(this));
        DeviceTable = [.. options.Devices.Select((device, ordinal) => new EmulatedDevice(this, ordinal, device))];
        foreach (EmulatedDevice device in DeviceTable)
        {
            _contexts.Add(device.Primary);
            _pools.Add(device.DefaultPool);
        }

        if (options.FaultRates.Count > 0)
        {
            _faults = new EmulatedFaults(options.Seed, options.FaultRates);
        }

        foreach (EmulatedFault fault in options.Faults)
        {
            Inject(fault);
        }

        _execution = options.Policy switch
        {
            ExecutionPolicy.Inline => new InlineExecution(this),
            ExecutionPolicy.Deferred => new DeferredExecution(this),
            ExecutionPolicy.Timed => new TimedExecution(this),
        };
    }

    public EmulatedDriverOptions Options { get; }

    public string Name => "host";

    /// <summary>Fresh addresses and poisoned bytes, see <see cref="EmulatedDriverOptions.Strict"/>.</summary>
    public bool IsStrict { get; }

    public EmulatedDevice[] DeviceTable { get; }

    /// <summary>What went wrong inside work, one line each, oldest first: statuses tell only the code.</summary>
    public IReadOnlyCollection<string> Reports => _reports;

    /// <summary>What this driver keeps for the calling thread.</summary>
    public HostThread Thread
    {
        get
        {
            HostThread? thread = _callersThread;
            return thread is not null && thread.Driver == this ? thread : FindThread();
        }
    }

    /// <summary>A copy of one device's counters.</summary>
    public EmulatedDeviceSnapshot Snapshot(int ordinal) => DeviceTable[ordinal].Counters.Snapshot();

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
        alive.AddRange(_pools.Alive().Where(pool => !pool.IsDefault).Select(pool => pool.Describe()));
        foreach (EmulatedDevice device in DeviceTable)
        {
            alive.AddRange(
                device.Held().Where(range => range.IsLive).Select(range => $"device memory of {range.Size} bytes at 0x{range.Address:x}")
            );
        }

        alive.AddRange(_hostMemory.Describe());
        return alive;
    }

    /// <summary>The range an address lies in, live or freed; null when no device ever gave it out.</summary>
    public EmulatedAllocation? Find(ulong address)
    {
        int ordinal = AddressSpace.OrdinalOf(address);
        return (uint)ordinal < (uint)DeviceTable.Length ? DeviceTable[ordinal].Find(address) : null;
    }

    /// <summary>Whether a kernel of a context may touch a range: live, inside, and of the same device, an enabled peer or an accessible
    /// pool.</summary>
    public static bool MayDereference(EmulatedCudaContext context, EmulatedAllocation allocation, in DeviceAccess access)
    {
        if (!allocation.IsLive || !allocation.Contains(access.Start.Address, access.ByteCount))
        {
            return false;
        }

        if (allocation.Device == context.Device)
        {
            return true;
        }

        if (allocation.Pool is not { } pool)
        {
            return context.HasPeer(allocation.Context);
        }

        CuMemAccess granted = pool.AccessOf(context.Device.Ordinal);
        return granted == CuMemAccess.ReadWrite || (granted == CuMemAccess.Read && access.Kind == AccessKind.Read);
    }

    /// <summary>Whether host memory is page-locked.</summary>
    public bool IsPinned(nint address, ulong bytes) => _hostMemory.IsPinned(address, bytes);

    public bool HasVirtualClock => Options.Policy == ExecutionPolicy.Timed;

    /// <summary>The virtual clock of the timed policy.</summary>
    /// <exception cref="InvalidOperationException">The driver has another policy.</exception>
    public TimedExecution Clock =>
        _execution as TimedExecution
        ?? throw new InvalidOperationException($"A driver of the {Options.Policy} policy has no virtual clock.");

    /// <summary>Keeps a reason for people and passes the status on.</summary>
    public CuResult Report(CuResult status, string what, string why)
    {
        _reports.Enqueue($"{status}: {what} {why}");
        while (_reports.Count > 256)
        {
            _reports.TryDequeue(out _);
        }

        return status;
    }

    /// <summary>Marks work that touches memory outside the lock of a stream of that device; such memory is not given back
    /// meanwhile.</summary>
    public void EnterAsGuest() => Interlocked.Increment(ref _guests);

    public void LeaveAsGuest() => Interlocked.Decrement(ref _guests);

    /// <summary>Returns when no work that began before this call can still be touching memory of the device.</summary>
    public void Quiesce(EmulatedDevice device)
    {
        foreach (EmulatedStream stream in device.Streams)
        {
            lock (stream.Gate) { }
        }

        var spin = default(SpinWait);
        while (Volatile.Read(ref _guests) != 0)
        {
            spin.SpinOnce();
        }
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _execution.Dispose();
        foreach (EmulatedDevice device in DeviceTable)
        {
            device.Dispose();
        }

        _hostMemory.Dispose();
        _threads.Dispose();
    }

    private HostThread FindThread()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _callersThread = _threads.Value!;
    }

    /// <summary>What every call checks: a host function or kernel may call nothing, a disposed driver answers nothing.</summary>
    private CuResult Enter(out HostThread thread)
    {
        if (_isDisposed)
        {
            thread = null!;
            return CuResult.Deinitialized;
        }

        thread = Thread;
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
