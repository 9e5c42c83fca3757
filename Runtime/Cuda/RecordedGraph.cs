namespace Troupe.Runtime.Cuda;

/// <summary>An owned recording, before instantiation.</summary>
/// <remarks><b>Owns</b> the graph; holds its context alive. <b>Thread</b> one at a time. <b>Blocks</b> never.</remarks>
internal sealed class RecordedGraph : IDisposable
{
    private readonly CuGraph _handle;
    private int _isDisposed;

    internal RecordedGraph(DeviceContext context, CuGraph handle)
    {
        context.Hold();
        Context = context;
        _handle = handle;
    }

    public DeviceContext Context { get; }

    public CuGraph Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            return _handle;
        }
    }

    public int NodeCount
    {
        get
        {
            Context.Driver.GraphGetNodeCount(Handle, out int count).ThrowIfFailed();
            return count;
        }
    }

    /// <summary>Makes an executable, which needs this recording no longer.</summary>
    public GraphExecutable Instantiate(CuGraphInstantiateFlags flags = CuGraphInstantiateFlags.None)
    {
        using ContextEntry entry = Context.Enter();
        Context.Driver.GraphInstantiate(out CuGraphExec executable, Handle, flags).ThrowIfFailed();
        return new GraphExecutable(Context, executable);
    }

    /// <summary>Writes the graph in the dot language.</summary>
    public void WriteDot(string path) => Context.Driver.GraphDebugDotPrint(Handle, path).ThrowIfFailed();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        Context.Record(Context.Driver.GraphDestroy(_handle), nameof(Context.Driver.GraphDestroy));
        Context.LetGo();
    }
}
