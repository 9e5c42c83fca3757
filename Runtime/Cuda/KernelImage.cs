namespace Troupe.Runtime.Cuda;

/// <summary>An owned, loaded image of kernels: PTX text or a cubin.</summary>
/// <remarks><b>Owns</b> the loaded image; holds its context alive. <b>Thread</b> any. <b>Blocks</b> while PTX is compiled.</remarks>
internal sealed class KernelImage : IDisposable
{
    private readonly CuModule _handle;
    private int _isDisposed;

    private KernelImage(DeviceContext context, CuModule handle)
    {
        Context = context;
        _handle = handle;
    }

    public DeviceContext Context { get; }

    /// <summary>Loads an image.</summary>
    /// <exception cref="CudaException">The image does not fit; the compiler's text is part of <see cref="CudaException.Call"/>.</exception>
    public static KernelImage Load(DeviceContext context, ReadOnlySpan<byte> image)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.ThrowIfFaulted();
        context.Hold();
        try
        {
            using ContextEntry entry = context.Enter();
            CuResult status = context.Driver.ModuleLoadData(out CuModule handle, image, out string? log);
            if (status != CuResult.Success)
            {
                throw new CudaException(
                    status,
                    log.Length == 0 ? nameof(context.Driver.ModuleLoadData) : $"{nameof(context.Driver.ModuleLoadData)} [{log.Trim()}]"
                );
            }

            return new KernelImage(context, handle);
        }
        catch
        {
            context.LetGo();
            throw;
        }
    }

    /// <summary>Finds a kernel by its name.</summary>
    public Kernel Find(string name)
    {
        ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
        using ContextEntry entry = Context.Enter();
        Context
            .Driver.ModuleGetFunction(out CuFunction function, _handle, name)
            .ThrowIfFailed($"{nameof(Context.Driver.ModuleGetFunction)} '{name}'");
        return new Kernel(this, name, function);
    }

    internal bool IsDisposed => Volatile.Read(ref _isDisposed) != 0;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        ICudaDriver driver = Context.Driver;
        CuResult entered = driver.CtxPushCurrent(Context.Handle);
        Context.Record(entered, nameof(driver.CtxPushCurrent));
        if (entered == CuResult.Success)
        {
            Context.Record(driver.ModuleUnload(_handle), nameof(driver.ModuleUnload));
            Context.Record(driver.CtxPopCurrent(out _), nameof(driver.CtxPopCurrent));
        }

        Context.LetGo();
    }
}
