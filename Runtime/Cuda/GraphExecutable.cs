namespace Troupe.Runtime.Cuda;

/// <summary>An owned executable graph.</summary>
/// <remarks><b>Owns</b> the executable; holds its context alive. <b>Thread</b> one at a time. <b>Blocks</b> never.</remarks>
internal sealed class GraphExecutable : OwnedHandle<CuGraphExec>
{
    internal GraphExecutable(DeviceContext context, CuGraphExec handle)
        : base(context, handle)
    {
        context.Hold();
    }

    /// <summary>Replays the graph behind everything enqueued on the stream. The caller is inside the context.</summary>
    public void Launch(DeviceStream stream) => Driver.GraphLaunch(Handle, stream.Handle).ThrowIfFailed();

    /// <summary>Brings the executable to the device ahead of its first launch.</summary>
    public void Upload(DeviceStream stream) => Driver.GraphUpload(Handle, stream.Handle).ThrowIfFailed();

    /// <summary>Takes the values of another recording of the same shape; the outcome says why not.</summary>
    public CuGraphExecUpdateResult Update(RecordedGraph graph)
    {
        CuResult status = Driver.GraphExecUpdate(Handle, graph.Handle, out CuGraphExecUpdateResult result);
        if (status != CuResult.GraphExecUpdateFailure)
        {
            status.ThrowIfFailed(nameof(Driver.GraphExecUpdate));
        }

        return result;
    }

    private protected override void GiveBack(CuGraphExec handle) =>
        Context.Record(Driver.GraphExecDestroy(handle), nameof(Driver.GraphExecDestroy));
}
