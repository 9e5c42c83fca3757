using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Cold paths of the ONNX engine: what a failed run or allocation is called.</summary>
internal static class OnnxFailures
{
    /// <summary>What does not fit the device.</summary>
    public static string BuffersOf(string engine) => $"The buffers of an execution context of '{engine}'";

    /// <summary>An input's shape is not one that the model declares.</summary>
    public static ForwardException WrongShape(string engine, EngineTensor input, in TensorShape shape) =>
        new(
            FailureKind.InvalidInput,
            $"The input '{input.Name}' of '{engine}' has the shape {shape}; it must be {input.Shape}, where -1 is free."
        );

    /// <summary>Output shapes were asked for before this input had one.</summary>
    public static ForwardException NotInferable(string engine, EngineTensor input) =>
        new(FailureKind.InvalidInput, $"The output shapes of '{engine}' cannot be inferred: its input '{input.Name}' has no shape.");

    /// <summary>What was launched and failed counts as a failure, whatever the reason: ONNX Runtime does not tell whose fault it
    /// was.</summary>
    public static void Report(FailureSlot failure, OnnxNetwork network, Exception trouble) =>
        failure.Fail(
            IsOutOfMemory(trouble)
                ? new ForwardException(
                    FailureKind.OutOfDeviceMemory,
                    $"'{network.Name}' needs more memory while it runs than is left of the {network.Arena.Bound} bytes that the emulated devices have together.",
                    trouble
                )
                : new ForwardException(
                    FailureKind.BackendFailed,
                    $"'{network.Name}' failed while it ran: {OnnxSession.Explain(trouble)}.",
                    trouble
                )
        );

    /// <summary>What a run throws that is refused or fails.</summary>
    public static bool IsOfRun(Exception trouble) => trouble is OnnxRuntimeException or ArgumentException or InvalidOperationException;

    /// <summary>The arena is at its bound, or the system has no more: ONNX Runtime says so in words alone.</summary>
    public static bool IsOutOfMemory(Exception trouble) =>
        trouble is OnnxRuntimeException
        && (
            trouble.Message.Contains("is smaller than requested bytes of", StringComparison.Ordinal)
            || trouble.Message.Contains("Failed to allocate memory for requested buffer", StringComparison.Ordinal)
            || trouble.Message.Contains("bad_alloc", StringComparison.Ordinal)
        );

    /// <summary>An output has another shape than it was bound for; what is known of shapes has been brought up to it.</summary>
    public static void ReportContradiction(
        FailureSlot failure,
        OnnxNetwork network,
        ReadOnlySpan<TensorShape> expected,
        ReadOnlySpan<TensorShape> measured
    )
    {
        int output = 0;
        while (output < measured.Length - 1 && (!expected[output].IsConcrete || expected[output] == measured[output]))
        {
            output++;
        }

        failure.Fail(
            new ForwardException(
                FailureKind.BackendFailed,
                $"The output '{network.OutputNames[output]}' of '{network.Name}' came out as {measured[output]} where {expected[output]} was expected."
            )
            {
                IsShapeContradiction = true,
            }
        );
    }

    /// <summary>An output came out as none that can be handed on.</summary>
    public static void ReportUnfit(FailureSlot failure, string engine, string output, string obstacle) =>
        failure.Fail(new ForwardException(FailureKind.NotSupported, $"The output '{output}' of '{engine}' {obstacle}."));
}
