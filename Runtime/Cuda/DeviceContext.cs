namespace Troupe.Runtime.Cuda;

/// <summary>A retained primary device context: what every owned handle of a device belongs to.</summary>
/// <remarks>
/// <b>Owns</b> one retain of the primary context. <b>Thread</b> any; entering is per thread. <b>Blocks</b> in <see cref="Synchronize"/>
/// only.
/// Children hold it alive: the retain is given back when the context and its last child are disposed. A child that fails to be
/// destroyed records its error here, and <see cref="ThrowIfFaulted"/>, which every creation and synchronization asks, reports it.
/// </remarks>
internal sealed class DeviceContext : IDisposable
{
    private int _holders = 1;
    private int _isDisposed;
    private int _recordings;
    private CudaException? _recorded;

    private DeviceContext(ICudaDriver driver, CuDevice device, CuContext handle, int copyEngines)
    {
        Driver = driver;
        Device = device;
        Handle = handle;
        HasCopyEngines = copyEngines > 0;
    }

    public ICudaDriver Driver { get; }

    public CuDevice Device { get; }

    public int Ordinal => Device.Ordinal;

    public CuContext Handle { get; }

    /// <summary>Whether copies run beside kernels while the host goes on; those of an emulated device of the inline policy are done when
    /// their call returns.</summary>
    public bool HasCopyEngines { get; }

    public bool IsDisposed => Volatile.Read(ref _isDisposed) != 0;

    /// <summary>Retains the primary context of a device.</summary>
    /// <exception cref="CudaException">There is no such device, or it is lost.</exception>
    public static DeviceContext Retain(ICudaDriver driver, int ordinal)
    {
        ArgumentNullException.ThrowIfNull(driver);
        CallingThread.Prepare(driver);
        driver.DeviceGet(out CuDevice device, ordinal).ThrowIfFailed();
        driver.DeviceGetAttribute(out int copyEngines, CuDeviceAttribute.AsyncEngineCount, device).ThrowIfFailed();
        driver.DevicePrimaryCtxRetain(out CuContext handle, device).ThrowIfFailed();
        return new DeviceContext(driver, device, handle, copyEngines);
    }

    /// <summary>Makes this the current device context until the entry is disposed, which leaves the caller's stack as it was.</summary>
    /// <exception cref="CudaException">The context cannot be made current.</exception>
    public ContextEntry Enter() => new(this);

    /// <summary>Free and total device memory in bytes.</summary>
    public (ulong FreeBytes, ulong TotalBytes) MemoryInfo()
    {
        using ContextEntry entry = Enter();
        Driver.MemGetInfo(out ulong free, out ulong total).ThrowIfFailed();
        return (free, total);
    }

    /// <summary>An error has ended the device for this process: every call answers it from then on, this question too.</summary>
    public bool IsFaulted
    {
        get
        {
            try
            {
                _ = MemoryInfo();
                return false;
            }
            catch (CudaException trouble)
            {
                return trouble.IsContextFatal;
            }
        }
    }

    /// <summary>Waits for all work of the device context. Only for stopping and draining.</summary>
    public void Synchronize()
    {
        using ContextEntry entry = Enter();
        Driver.CtxSynchronize().ThrowIfFailed();
        ThrowIfFaulted();
    }

    /// <summary>As <see cref="Synchronize"/>, but answers the status: "unsupported in a capture" where some thread records on a stream of
    /// this context. Where the stream's owner has told, the driver is not asked: the recording would be lost by it.</summary>
    public CuResult TrySynchronize()
    {
        if (Volatile.Read(ref _recordings) > 0)
        {
            return CuResult.StreamCaptureUnsupported;
        }

        using ContextEntry entry = Enter();
        return Driver.CtxSynchronize();
    }

    /// <summary>The owner of a stream of this context begins to record, or is done.</summary>
    internal void CountRecording(bool begins) => Interlocked.Add(ref _recordings, begins ? 1 : -1);

    /// <summary>Throws the first error that a Dispose recorded since the last call, if any.</summary>
    public void ThrowIfFaulted()
    {
        if (Volatile.Read(ref _recorded) is null)
        {
            return;
        }

        if (Interlocked.Exchange(ref _recorded, null) is { } recorded)
        {
            throw recorded;
        }
    }

    /// <summary>Keeps an error that nobody could be told yet.</summary>
    public void Record(CuResult status, string call)
    {
        if (status != CuResult.Success)
        {
            Interlocked.CompareExchange(ref _recorded, new CudaException(status, call), null);
        }
    }

    /// <summary>A child begins to need this context.</summary>
    internal void Hold()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        Interlocked.Increment(ref _holders);
    }

    /// <summary>A child is gone.</summary>
    internal void LetGo()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            CallingThread.Prepare(Driver);
            Record(Driver.DevicePrimaryCtxRelease(Device), nameof(Driver.DevicePrimaryCtxRelease));
        }
    }

    /// <summary>Gives the retain back, once no child needs it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            LetGo();
        }
    }
}
