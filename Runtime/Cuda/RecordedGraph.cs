namespace Troupe.Runtime.Cuda;

/// <summary>An owned recording, before instantiation.</summary>
/// <remarks><b>Owns</b> the graph; holds its context alive. <b>Thread</b> one at a time. <b>Blocks</b> never.</remarks>
internal sealed class RecordedGraph : OwnedHandle<CuGraph>
{
    internal RecordedGraph(DeviceContext context, CuGraph handle)
        : base(context, handle)
    {
        context.Hold();
    }

    public int NodeCount
    {
        get
        {
            Driver.GraphGetNodeCount(Handle, out int count).ThrowIfFailed();
            return count;
        }
    }

    /// <summary>Makes an executable, which needs this recording no longer.</summary>
    public GraphExecutable Instantiate(CuGraphInstantiateFlags flags = CuGraphInstantiateFlags.None)
    {
        using ContextEntry entry = Context.Enter();
        Driver.GraphInstantiate(out CuGraphExec executable, Handle, flags).ThrowIfFailed();
        return new GraphExecutable(Context, executable);
    }

    private protected override void GiveBack(CuGraph handle) => Context.Record(Driver.GraphDestroy(handle), nameof(Driver.GraphDestroy));
}
