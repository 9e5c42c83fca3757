namespace Troupe.Runtime.Plans;

/// <summary>What one combination of input shapes means for a module: the shape of every tensor, the profile of every segment, and where
/// what lies between segments is placed.</summary>
/// <remarks>Made once by a lane per combination and kept; immutable, known by its identity.</remarks>
internal sealed class ForwardPlan(ForwardShapes shapes, ArenaLayout arena)
{
    /// <summary>Complete.</summary>
    public ForwardShapes Shapes { get; } = shapes;

    public ArenaLayout Arena { get; } = arena;
}
