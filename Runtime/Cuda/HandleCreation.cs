namespace Troupe.Runtime.Cuda;

/// <summary>The making of one owned handle: the context is asked for errors, held and current meanwhile, and let go of again unless the
/// handle came to be.</summary>
/// <remarks><b>Owns</b> one hold of the context until <see cref="Keep"/> passes it on. <b>Thread</b> the one that began. <b>Blocks</b>
/// never.</remarks>
internal ref struct HandleCreation
{
    private readonly DeviceContext _context;
    private readonly ContextEntry _entry;
    private bool _isKept;

    /// <exception cref="CudaException">The context recorded an error, or cannot be made current.</exception>
    public HandleCreation(DeviceContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.ThrowIfFaulted();
        context.Hold();
        _context = context;
        try
        {
            _entry = context.Enter();
        }
        catch
        {
            context.LetGo();
            throw;
        }
    }

    /// <summary>The handle came to be: it has the hold from here on.</summary>
    public T Keep<T>(T created)
        where T : IDisposable
    {
        _isKept = true;
        return created;
    }

    public readonly void Dispose()
    {
        _entry.Dispose();
        if (!_isKept)
        {
            _context.LetGo();
        }
    }
}
