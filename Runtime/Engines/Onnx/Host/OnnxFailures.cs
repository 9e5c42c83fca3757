using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Cold paths of the ONNX engine: what a failed run or allocation is called.</summary>
internal static class OnnxFailures
{
    public static void ThrowIfOutOfMemory(CuResult status, string engine, ulong bytes)
    {
        if (status == CuResult.OutOfMemory)
        {
            throw new ForwardException(
                FailureKind.OutOfDeviceMemory,
                $"The buffers of an execution context of '{engine}' take {bytes} bytes, which the device does not have."
            );
        }
    }

    /// <summary>An input that ONNX Runtime rejects is the caller's fault; anything else is the back end's.</summary>
    public static void Report(FailureSlot failure, string engine, Exception trouble)
    {
        bool caller = trouble.Message.StartsWith("[ErrorCode:InvalidArgument]", StringComparison.Ordinal);
        failure.Fail(
            caller ? FailureKind.InvalidInput : FailureKind.BackendFailed,
            $"'{engine}' failed while it ran: {OnnxSession.Explain(trouble)}.",
            trouble
        );
    }
}
