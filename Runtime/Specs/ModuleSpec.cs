using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Specs;

/// <summary>A validated module: its public tensors and its segments in the order they run.</summary>
/// <param name="Model">The exact version, hash included.</param>
/// <param name="Platform">In V2's words: <c>onnxruntime_onnx</c> for a lone model, <c>troupe_module</c> for several segments.</param>
/// <param name="SafeToResend">False where a segment aliases inputs or keeps state.</param>
public sealed record ModuleSpec(
    ModelVersion Model,
    string Platform,
    IReadOnlyList<TensorSpec> Inputs,
    IReadOnlyList<TensorSpec> Outputs,
    IReadOnlyList<SegmentSpec> Segments,
    bool SafeToResend
);

/// <summary>Whether a segment is an engine's or a fallback's.</summary>
public enum SegmentKind
{
    /// <summary><c>_run_on_acc_N</c></summary>
    Engine,

    /// <summary><c>_run_on_gpu_N</c></summary>
    Fallback,
}

/// <summary>One node of the module's dataflow graph. Tensors are named module-wide and assigned once.</summary>
/// <param name="RelativeOrdinal">Device relative to the instance's home: 0 is the home device.</param>
public sealed record SegmentSpec(
    string Name,
    SegmentKind Kind,
    string Backend,
    string File,
    int RelativeOrdinal,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs
);
