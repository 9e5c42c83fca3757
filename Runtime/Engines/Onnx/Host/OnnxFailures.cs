using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

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

    /// <summary>An input's shape is not one that the model declares.</summary>
    public static ForwardException WrongShape(string engine, EngineTensor input, in TensorShape shape) =>
        new(
            FailureKind.InvalidInput,
            $"The input '{input.Name}' of '{engine}' has the shape {shape}; it must be {input.Shape}, where -1 is free."
        );

    /// <summary>Output shapes were asked for before this input had one.</summary>
    public static ForwardException NotInferable(string engine, EngineTensor input) =>
        new(FailureKind.InvalidInput, $"The output shapes of '{engine}' cannot be inferred: its input '{input.Name}' has no shape.");

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
