using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Edge;

/// <summary>What the codec must know of the model version that a request addresses. Immutable; make one per served version and keep
/// it.</summary>
internal sealed class InferContract
{
    public required string Model { get; init; }

    public required int Version { get; init; }

    /// <summary>Most entries along the first dimension of every tensor but those of <see cref="OutsideBatch"/>; 0: the first dimension is
    /// not a batch.</summary>
    public required int MaxBatchSize { get; init; }

    /// <summary>Inputs by name, shapes whole: with a batch they begin with -1.</summary>
    public required IReadOnlyList<TensorSpec> Inputs { get; init; }

    public required IReadOnlyList<TensorSpec> Outputs { get; init; }

    /// <summary>Names of inputs that have no batch.</summary>
    public IReadOnlySet<string> OutsideBatch { get; init; } = new HashSet<string>();

    /// <summary>Names of the classes of an output, in order of their index; for the classification extension.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Labels { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    public TensorSpec? Output(ReadOnlySpan<byte> utf8Name) => Find(Outputs, utf8Name);

    private static TensorSpec? Find(IReadOnlyList<TensorSpec> specs, ReadOnlySpan<byte> utf8Name)
    {
        for (int i = 0; i < specs.Count; i++)
        {
            if (Utf8Text.Equals(utf8Name, specs[i].Name))
            {
                return specs[i];
            }
        }

        return null;
    }
}
