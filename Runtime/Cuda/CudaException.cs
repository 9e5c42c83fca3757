namespace Troupe.Runtime.Cuda;

/// <summary>A driver call failed: broken machinery, not expected trouble. Supervision decides what follows.</summary>
/// <remarks>Source of the codes: CUDA driver API, <c>CUresult</c>.</remarks>
public sealed class CudaException : Exception
{
    public CudaException(CuResult status, string call)
        : base($"{call} failed: {CuResultNames.Name(status)} ({(int)status}), {CuResultNames.Text(status).TrimEnd('.')}.")
    {
        Status = status;
        Call = call;
    }

    public CuResult Status { get; }

    /// <summary>The driver call, as it was written.</summary>
    public string Call { get; }

    /// <summary>True when the device context is beyond use: every later call on it fails with the same status.</summary>
    public bool IsContextFatal => FatalResults.Sources.ContainsKey(Status);
}
