using Troupe.Runtime.Cuda.Interop;

namespace Troupe.Runtime.Cuda.Native;

// SAFETY, for every method here: results are pinned locals of the caller, everything else is passed by value and checked by the driver.

/// <content>Capture and graphs.</content>
internal sealed unsafe partial class NativeCudaDriver
{
    public CuResult StreamBeginCapture(CuStream stream, CuStreamCaptureMode mode) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuStreamBeginCapture(stream, mode);

    public CuResult StreamEndCapture(CuStream stream, out CuGraph graph)
    {
        if (stream.IsNull)
        {
            graph = default;
            return CuResult.InvalidHandle;
        }

        fixed (CuGraph* graphResult = &graph)
        {
            return _api.cuStreamEndCapture(stream, graphResult);
        }
    }

    public CuResult StreamGetCaptureInfo(CuStream stream, out CuStreamCaptureStatus status, out ulong captureId)
    {
        if (stream.IsNull)
        {
            status = default;
            captureId = default;
            return CuResult.InvalidHandle;
        }

        fixed (CuStreamCaptureStatus* statusResult = &status)
        fixed (ulong* captureIdResult = &captureId)
        {
            return _api.cuStreamGetCaptureInfo(stream, statusResult, captureIdResult, null, null, null);
        }
    }

    public CuResult ThreadExchangeStreamCaptureMode(ref CuStreamCaptureMode mode)
    {
        fixed (CuStreamCaptureMode* modeResult = &mode)
        {
            return _api.cuThreadExchangeStreamCaptureMode(modeResult);
        }
    }

    public CuResult GraphDestroy(CuGraph graph) => _api.cuGraphDestroy(graph);

    public CuResult GraphInstantiate(out CuGraphExec executable, CuGraph graph, CuGraphInstantiateFlags flags)
    {
        fixed (CuGraphExec* executableResult = &executable)
        {
            return _api.cuGraphInstantiateWithFlags(executableResult, graph, flags);
        }
    }

    public CuResult GraphUpload(CuGraphExec executable, CuStream stream) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuGraphUpload(executable, stream);

    public CuResult GraphLaunch(CuGraphExec executable, CuStream stream) =>
        stream.IsNull ? CuResult.InvalidHandle : _api.cuGraphLaunch(executable, stream);

    public CuResult GraphExecDestroy(CuGraphExec executable) => _api.cuGraphExecDestroy(executable);

    public CuResult GraphGetNodeCount(CuGraph graph, out int count)
    {
        ulong nodes = 0;
        CuResult status = _api.cuGraphGetNodes(graph, null, &nodes);
        count = (int)nodes;
        return status;
    }

    public CuResult GraphExecUpdate(CuGraphExec executable, CuGraph graph, out CuGraphExecUpdateResult result)
    {
        CUgraphExecUpdateResultInfo info = default;
        CuResult status = _api.cuGraphExecUpdate(executable, graph, &info);
        result = info.result;
        return status;
    }

    public CuResult GraphDebugDotPrint(CuGraph graph, string path)
    {
        fixed (byte* pinned = Terminated(path))
        {
            return _api.cuGraphDebugDotPrint(graph, pinned, 0);
        }
    }
}
