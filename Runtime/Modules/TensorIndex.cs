namespace Troupe.Runtime.Modules;

/// <summary>One tensor among those of a module.</summary>
internal readonly record struct TensorIndex(int Value) : IIndex<TensorIndex>
{
    public static TensorIndex Of(int value) => new(value);
}
