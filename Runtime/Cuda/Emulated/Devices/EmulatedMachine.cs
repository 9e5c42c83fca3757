using System.Collections.Concurrent;

namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>What the parts of one emulated driver share: its devices with everything an address can name, page-locked host memory, what is
/// kept per calling thread, and the reasons behind its statuses.</summary>
/// <remarks><b>Owns</b> the devices and the page-locked memory until disposed. <b>Thread</b> any; threads that use different devices share
/// no lock. <b>Blocks</b> only in <see cref="Quiesce"/>.</remarks>
internal sealed class EmulatedMachine : IDisposable
{
    /// <summary>Most devices one driver can have.</summary>
    public const int MaxDevices = 64;

    private const int MostReports = 256;

    [ThreadStatic]
    private static HostThread? _callersThread;

    private readonly ThreadLocal<HostThread> _threads;
    private readonly ConcurrentQueue<string> _reports = new();
    private int _guests;
    private volatile bool _isDisposed;

    public EmulatedMachine(IReadOnlyList<EmulatedDeviceOptions> devices)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(devices.Count, MaxDevices, nameof(devices));
        _threads = new ThreadLocal<HostThread>(() => new HostThread(this));
        Devices = [.. devices.Select((device, ordinal) => new EmulatedDevice(this, ordinal, device))];
    }

    /// <summary>Fresh addresses for every allocation, and poisoned bytes before and after use.</summary>
    public required bool IsStrict { get; init; }

    /// <summary>Whether work takes its declared time on a virtual clock, so that no thread has to be slow for it.</summary>
    public required bool HasVirtualClock { get; init; }

    /// <summary>Whether the failure of one device ends all of them.</summary>
    public required bool FaultsEndTheProcess { get; init; }

    public EmulatedDevice[] Devices { get; }

    public HostMemoryTable HostMemory { get; } = new();

    /// <summary>What went wrong inside work, one line each, oldest first: statuses tell only the code.</summary>
    public IReadOnlyCollection<string> Reports => _reports;

    /// <summary>What is kept for the calling thread.</summary>
    public HostThread Thread
    {
        get
        {
            HostThread? thread = _callersThread;
            return thread is not null && thread.Machine == this ? thread : FindThread();
        }
    }

    /// <summary>The range an address lies in, live or freed; null when no device ever gave it out.</summary>
    public EmulatedAllocation? Find(ulong address)
    {
        int ordinal = AddressSpace.OrdinalOf(address);
        return (uint)ordinal < (uint)Devices.Length ? Devices[ordinal].Find(address) : null;
    }

    /// <summary>Keeps a reason for people and passes the status on.</summary>
    public CuResult Report(CuResult status, string what, string why)
    {
        _reports.Enqueue($"{status}: {what} {why}");
        while (_reports.Count > MostReports)
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
        device.WaitForStreams();
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
        foreach (EmulatedDevice device in Devices)
        {
            device.Dispose();
        }

        HostMemory.Dispose();
        _threads.Dispose();
    }

    private HostThread FindThread()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _callersThread = _threads.Value!;
    }
}
