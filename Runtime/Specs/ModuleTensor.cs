using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Specs;

/// <summary>A public tensor as a manifest declares it.</summary>
/// <param name="Shape">-1 where the manifest names a symbol.</param>
/// <param name="Symbols">By axis; empty where the dimension is fixed.</param>
/// <param name="Range">Least, typical and greatest shape, where the manifest states them.</param>
internal sealed record ModuleTensor(string Name, ElementType Type, TensorShape Shape, IReadOnlyList<string> Symbols, ProfileRange? Range)
{
    /// <summary>Type and shape are those of the engine that reads or writes it; what stands here means nothing.</summary>
    public bool IsToldByEngine { get; init; }

    /// <summary>What an input is where the caller gives nothing; null where it has to be given.</summary>
    public Tensor? Default { get; init; }

    /// <summary>Not even the rank is known: any shape is admitted.</summary>
    public bool IsRankFree { get; init; }

    public static ModuleTensor ToldByEngine(string name) => new(name, default, default, Symbols: [], Range: null) { IsToldByEngine = true };

    public TensorSpec ToSpec() => new(Name, Type, Shape, IsRankFree, IsOptional: Default is not null);
}
