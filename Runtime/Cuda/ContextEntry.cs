namespace Troupe.Runtime.Cuda;

/// <summary>One stay in a device context. Leaving puts the caller's stack of contexts back, also when code below changed the current
/// one; the thread is in thread-local capture mode from its first stay on.</summary>
/// <remarks><b>Owns</b> one place on the thread's context stack. <b>Thread</b> the one that entered. <b>Blocks</b> never.</remarks>
internal readonly ref struct ContextEntry
{
    private const int MostPops = 64;

    private readonly DeviceContext _context;
    private readonly CuContext _before;

    internal ContextEntry(DeviceContext context)
    {
        _context = context;
        CallingThread.Prepare(context.Driver);
        context.Driver.CtxGetCurrent(out _before).ThrowIfFailed();
        context.Driver.CtxPushCurrent(context.Handle).ThrowIfFailed();
    }

    /// <summary>The thread was in another device context before.</summary>
    public bool IsSwitch => !_before.IsNull && _before != _context.Handle;

    /// <summary>Pops, and goes on popping what others left behind, until the context from before is current again. Never throws.</summary>
    public void Dispose()
    {
        ICudaDriver driver = _context.Driver;
        for (int pops = 0; pops < MostPops; pops++)
        {
            CuResult status = driver.CtxPopCurrent(out _);
            if (status != CuResult.Success)
            {
                break;
            }

            if (driver.CtxGetCurrent(out CuContext current) == CuResult.Success && current == _before)
            {
                return;
            }
        }

        _context.Record(driver.CtxSetCurrent(_before), nameof(driver.CtxSetCurrent));
    }
}
