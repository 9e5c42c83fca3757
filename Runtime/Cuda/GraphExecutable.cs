namespace Troupe.Runtime.Cuda;

/// <summary>An owned executable graph.</summary>
/// <remarks><b>Owns</b> the executable; holds its context alive. <b>Thread</b> one at a time. <b>Blocks</b> never.</remarks>
internal sealed class GraphExecutable : IDisposable
{
    private readonly CuGraphExec _handle;
    private int _isDisposed;

    internal GraphExecutable(DeviceContext context, CuGraphExec handle)
    {
        context.Hold();
        Context = context;
        _handle = handle;
    }

    public DeviceContext Context { get; }

    public CuGraphExec Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed != 0, this);
            return _handle;
        }
    }

    /// <summary>Replays the graph behind everything enqueued on the stream. The caller is inside the context.</summary>
    public void Launch(DeviceStream stream) => Context.Driver.GraphLaunch(Handle, stream.Handle).ThrowIfFailed();

    /// <summary>Brings the executable to the device ahead of its first launch.</summary>
    public void Upload(DeviceStream stream) => Context.Driver.GraphUpload(Handle, stream.Handle).ThrowIfFailed();

    /// <summary>Takes the values of another recording of the same shape; the outcome says why not.</summary>
    public CuGraphExecUpdateResult Update(RecordedGraph graph)
    {
        CuResult status = Context.Driver.GraphExecUpdate(Handle, graph.Handle, out CuGraphExecUpdateResult result);
        if (status != CuResult.GraphExecUpdateFailure)
        {
            status.ThrowIfFailed(nameof(Context.Driver.GraphExecUpdate));
        }

        return result;
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        Context.Record(Context.Driver.GraphExecDestroy(_handle), nameof(Context.Driver.GraphExecDestroy));
        Context.LetGo();
    }
}
