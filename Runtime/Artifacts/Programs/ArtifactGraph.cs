using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Artifacts.Programs;

/// <summary>How the engines of an exported program hang together. Values are named program-wide and assigned once; calls stand in the order
/// they run.</summary>
public sealed record ArtifactGraph
{
    /// <summary>What the caller gives, in order.</summary>
    public required IReadOnlyList<ArtifactTensor> Inputs { get; init; }

    /// <summary>What the caller gets, in order; a name may stand twice.</summary>
    public required IReadOnlyList<ArtifactTensor> Outputs { get; init; }

    /// <summary>Weights, buffers and constants that calls read.</summary>
    public required IReadOnlyList<ArtifactState> State { get; init; }

    public required IReadOnlyList<ArtifactCall> Calls { get; init; }

    /// <summary>Nodes that take one value out of a call's list.</summary>
    public required IReadOnlyList<ArtifactGetItem> GetItems { get; init; }

    /// <summary>Values that are written back to a buffer or an input after the calls.</summary>
    public required IReadOnlyList<ArtifactMutation> Mutations { get; init; }

    /// <summary>Bounds of the free dimensions, by symbol.</summary>
    public required IReadOnlyList<ArtifactRange> Ranges { get; init; }
}

/// <summary>A value of the graph.</summary>
/// <param name="Type">Null where the program does not tell.</param>
/// <param name="Shape">-1 where a dimension is free; null where the program does not tell.</param>
/// <param name="Symbols">One for each dimension, empty where it is fixed.</param>
public sealed record ArtifactTensor(string Name, ElementType? Type, IReadOnlyList<long>? Shape, IReadOnlyList<string> Symbols);

/// <summary>A tensor that the program brings along.</summary>
/// <param name="FullName">Its place in the module, e.g. <c>cache.keys</c>.</param>
/// <param name="Data">Its bytes as stored, row-major unless the program says otherwise.</param>
public sealed record ArtifactState(ArtifactTensor Tensor, ArtifactStateKind Kind, string FullName, ReadOnlyMemory<byte> Data);

/// <summary>Role of a tensor that the program brings along.</summary>
public enum ArtifactStateKind
{
    Parameter,
    Buffer,
    Constant,
}

/// <summary>One <c>tensorrt.execute_engine</c>.</summary>
/// <param name="Engine">Index into <see cref="ArtifactSpec.Engines"/>.</param>
/// <param name="Inputs">Values in the order of the engine's input names.</param>
/// <param name="Outputs">Values in the order of the engine's output names; empty where nobody takes that output.</param>
public sealed record ArtifactCall(string Node, int Engine, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs);

/// <summary><paramref name="Value"/> is output <paramref name="Index"/> of the call named <paramref name="Source"/>.</summary>
public sealed record ArtifactGetItem(string Source, int Index, string Value);

/// <summary><paramref name="Value"/> is written to <paramref name="Target"/> when the calls are done.</summary>
/// <param name="IsInput">The target is a caller's input, not a buffer.</param>
public sealed record ArtifactMutation(string Value, string Target, bool IsInput);

/// <summary>Bounds of a free dimension; null where there is none.</summary>
public sealed record ArtifactRange(string Symbol, long? Min, long? Max);
