using System.Collections.Frozen;

namespace Troupe.Runtime.Cuda;

/// <summary>The statuses that end their device context for this process (CUDA calls such errors sticky), each with its source.</summary>
internal static class FatalResults
{
    private const string SameErrorAgain =
        "cuda.h 13.0: \"This leaves the process in an inconsistent state and any further CUDA work will return the same error. To continue using CUDA, the process must be terminated and relaunched.\"";

    private const string HardwareFault =
        "cuda.h 13.0 says only that the error is uncorrectable; the process is to be ended (\"GPU Memory Error Management\", NVIDIA)";

    /// <summary>Status to source.</summary>
    public static FrozenDictionary<CuResult, string> Sources { get; } =
        new Dictionary<CuResult, string>
        {
            [CuResult.Deinitialized] = "cuda.h 13.0: \"the CUDA driver is in the process of shutting down\"",
            [CuResult.EccUncorrectable] = HardwareFault,
            [CuResult.NvlinkUncorrectable] = HardwareFault,
            [CuResult.Contained] = SameErrorAgain,
            [CuResult.IllegalAddress] = SameErrorAgain,
            [CuResult.LaunchTimeout] = SameErrorAgain,
            [CuResult.ContextIsDestroyed] = "cuda.h 13.0: \"the context current to the calling thread has been destroyed\"",
            [CuResult.Assert] = "cuda.h 13.0: \"The context cannot be used anymore, and must be destroyed.\"",
            [CuResult.HardwareStackError] = SameErrorAgain,
            [CuResult.IllegalInstruction] = SameErrorAgain,
            [CuResult.MisalignedAddress] = SameErrorAgain,
            [CuResult.InvalidAddressSpace] = SameErrorAgain,
            [CuResult.InvalidPc] = SameErrorAgain,
            [CuResult.LaunchFailed] = SameErrorAgain,
            [CuResult.TensorMemoryLeak] = SameErrorAgain,
            [CuResult.MpsRpcFailure] =
                "cuda.h 13.0: \"the remote procedural call between the MPS server and the MPS client failed\"; without its server a client can do nothing",
            [CuResult.MpsClientTerminated] =
                "cuda.h 13.0: \"the MPS client has been terminated by the server. To continue using CUDA, the process must be terminated and relaunched.\"",
            [CuResult.ExternalDevice] = SameErrorAgain,
            [CuResult.Unknown] = "cuda.h 13.0 promises nothing of it, so the worst is taken",
        }.ToFrozenDictionary();
}
