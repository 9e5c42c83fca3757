namespace Troupe.Runtime.Cuda;

/// <summary>Something a driver gave out that is given back exactly once: it holds its device context alive until then.</summary>
/// <remarks>
/// <b>Owns</b> what the handle names. <b>Thread</b> disposing from any thread, once; the rest as the derived type says. <b>Blocks</b> as
/// the call that gives back does.
/// Disposing never throws: an error is recorded in the context, and the next call that asks it reports.
/// </remarks>
internal abstract class OwnedHandle<T> : IDisposable
    where T : struct
{
    private readonly T _handle;
    private int _isDisposed;

    /// <param name="context">The context, held for this handle already; disposing lets go of it.</param>
    private protected OwnedHandle(DeviceContext context, T handle)
    {
        Context = context;
        _handle = handle;
    }

    public DeviceContext Context { get; }

    /// <exception cref="ObjectDisposedException">It was given back.</exception>
    public T Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            return _handle;
        }
    }

    /// <summary>The default once it was given back.</summary>
    public T HandleOrDefault => IsDisposed ? default : _handle;

    public bool IsDisposed => Volatile.Read(ref _isDisposed) != 0;

    private protected ICudaDriver Driver => Context.Driver;

    public void Dispose()
    {
        if (TryEnd(out T handle))
        {
            GiveBack(handle);
            Context.LetGo();
        }
    }

    /// <summary>Gives back what the handle names, and records what fails.</summary>
    private protected abstract void GiveBack(T handle);

    /// <summary>True for the one call that has to give the handle back.</summary>
    private protected bool TryEnd(out T handle)
    {
        handle = _handle;
        return Interlocked.Exchange(ref _isDisposed, 1) == 0;
    }

    /// <summary>Makes the context current for a call that gives back; where that fails, it is recorded and there is nothing to
    /// leave.</summary>
    private protected bool TryEnter()
    {
        CallingThread.Prepare(Driver);
        CuResult entered = Driver.CtxPushCurrent(Context.Handle);
        Context.Record(entered, nameof(Driver.CtxPushCurrent));
        return entered == CuResult.Success;
    }

    private protected void Leave() => Context.Record(Driver.CtxPopCurrent(out _), nameof(Driver.CtxPopCurrent));
}
