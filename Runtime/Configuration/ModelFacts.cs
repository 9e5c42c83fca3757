using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Configuration;

/// <summary>What the model itself says: a configuration is completed from it and held against it.</summary>
/// <param name="Platform">In V2's words, e.g. <c>onnxruntime_onnx</c>.</param>
/// <param name="File">The file's name in its version folder; empty where it was loaded by path.</param>
/// <param name="DefaultMaxBatchSize">Of a model that can be batched and whose configuration leaves it to the model.</param>
internal sealed record ModelFacts(
    string Name,
    string Platform,
    string File,
    IReadOnlyList<TensorSpec> Inputs,
    IReadOnlyList<TensorSpec> Outputs,
    int DefaultMaxBatchSize
)
{
    /// <summary>The back end's part of the platform.</summary>
    public string Backend => Platform.Split('_')[0];

    /// <summary>Every tensor that a caller gives or gets has a first dimension that may be a batch.</summary>
    public bool CanBatch => Inputs.Where(input => !input.IsOptional).Concat(Outputs).All(IsBatched);

    private static bool IsBatched(TensorSpec tensor) => tensor.Shape.Rank > 1 && tensor.Shape[0] == -1;
}
