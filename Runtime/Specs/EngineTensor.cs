using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Specs;

/// <summary>One input or output of an engine.</summary>
/// <param name="Shape">-1 where a dimension is free.</param>
/// <param name="Symbols">Names of the free dimensions by axis, empty where the engine names none; free dimensions of one name are equal in
/// a call.</param>
internal sealed record EngineTensor(string Name, ElementType Type, TensorShape Shape, IReadOnlyList<string> Symbols)
{
    /// <summary>The engine reads this input's values on the host before it launches (TensorRT: shape tensor).</summary>
    public bool IsShapeTensor { get; init; }

    /// <summary>The shape of this output depends on the values of inputs, not on their shapes alone; it is known only after the
    /// run.</summary>
    public bool IsDataDependent { get; init; }

    /// <summary>What an input is where the caller gives nothing; null where it has to be given.</summary>
    public Tensor? Default { get; init; }

    /// <summary>Not even the rank is known: any shape is admitted, and <see cref="Shape"/> shows one free dimension.</summary>
    public bool IsRankFree { get; init; }

    /// <summary>Bytes an address bound here must be a multiple of.</summary>
    public int Alignment { get; init; } = 256;

    /// <summary>The shape has the tensor's rank and its fixed dimensions, as far as it has such.</summary>
    public bool Admits(in TensorShape shape) => IsRankFree || shape.Fits(Shape);
}
