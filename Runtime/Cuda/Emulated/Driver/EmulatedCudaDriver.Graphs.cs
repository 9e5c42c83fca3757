using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Recorded graphs and their executables.</content>
internal sealed partial class EmulatedCudaDriver
{
    public CuResult GraphDestroy(CuGraph graph)
    {
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        return DestroyGraph(graph.Value) ? CuResult.Success : CuResult.InvalidValue;
    }

    public CuResult GraphGetNodeCount(CuGraph graph, out int count)
    {
        count = 0;
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_graphs.Find(graph.Value) is not { } found)
        {
            return CuResult.InvalidValue;
        }

        count = found.Nodes.Count;
        return CuResult.Success;
    }

    public CuResult GraphInstantiate(out CuGraphExec executable, CuGraph graph, CuGraphInstantiateFlags flags)
    {
        executable = default;
        CuResult status = EnterContext(out HostThread? thread, out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_graphs.Find(graph.Value) is not { } found)
        {
            return CuResult.InvalidValue;
        }

        status = Health(found.Context);
        if (status != CuResult.Success)
        {
            return status;
        }

        status = _captures.Guard(thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        if ((flags & ~CuGraphInstantiateFlags.Upload) != 0)
        {
            return CuResult.InvalidValue;
        }

        var created = new EmulatedGraphExec(found.Context, [.. found.Nodes]);
        EmulatedCounters.Count(ref found.Context.Device.Counters.Instantiations);
        executable = new CuGraphExec(_executables.Add(created));
        return CuResult.Success;
    }

    public CuResult GraphExecUpdate(CuGraphExec executable, CuGraph graph, out CuGraphExecUpdateResult result)
    {
        result = CuGraphExecUpdateResult.Error;
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_executables.Find(executable.Value) is not { } target || _graphs.Find(graph.Value) is not { } source)
        {
            return CuResult.InvalidValue;
        }

        status = Health(target.Context);
        if (status != CuResult.Success)
        {
            return status;
        }

        result = GraphComparison.Compare(target.Nodes, source.Nodes);
        if (result != CuGraphExecUpdateResult.Success)
        {
            return CuResult.GraphExecUpdateFailure;
        }

        target.Nodes = [.. source.Nodes];
        return CuResult.Success;
    }

    public CuResult GraphUpload(CuGraphExec executable, CuStream stream)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_executables.Find(executable.Value) is null)
        {
            return CuResult.InvalidValue;
        }

        return found.Capture is { } capture ? InvalidateWith(capture, CuResult.StreamCaptureUnsupported) : CuResult.Success;
    }

    public CuResult GraphLaunch(CuGraphExec executable, CuStream stream)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_executables.Find(executable.Value) is not { } launched)
        {
            return CuResult.InvalidValue;
        }

        if (found.Capture is { } capture)
        {
            return InvalidateWith(capture, CuResult.StreamCaptureUnsupported);
        }

        status = Health(launched.Context);
        if (status != CuResult.Success)
        {
            return status;
        }

        status = _faults.Apply(EmulatedFaultKind.RefusedLaunch, found.Context.Device);
        if (status != CuResult.Success)
        {
            return status;
        }

        EmulatedCounters.Count(ref found.Context.Device.Counters.Replays);
        return _execution.Submit(found, launched);
    }

    public CuResult GraphExecDestroy(CuGraphExec executable)
    {
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        return DestroyExecutable(executable.Value) ? CuResult.Success : CuResult.InvalidValue;
    }

    public CuResult GraphDebugDotPrint(CuGraph graph, string path)
    {
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_graphs.Find(graph.Value) is not { } found || string.IsNullOrEmpty(path))
        {
            return CuResult.InvalidValue;
        }

        try
        {
            File.WriteAllText(path, found.ToDot());
            return CuResult.Success;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return CuResult.OperatingSystem;
        }
    }

    private bool DestroyGraph(nint handle) => _graphs.Remove(handle) is not null;

    private bool DestroyExecutable(nint handle) => _executables.Remove(handle) is not null;
}
