namespace Troupe.Runtime.Modules;

/// <summary>A place among the things of one kind, so that a table of one kind is never read with the place of another.</summary>
internal interface IIndex<TSelf>
    where TSelf : struct, IIndex<TSelf>
{
    int Value { get; }

    static abstract TSelf Of(int value);
}
