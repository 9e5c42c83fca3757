namespace Troupe.Runtime.Modules;

/// <summary>One segment among those of a module, in the order they run in.</summary>
internal readonly record struct SegmentIndex(int Value) : IIndex<SegmentIndex>
{
    public static SegmentIndex Of(int value) => new(value);
}
