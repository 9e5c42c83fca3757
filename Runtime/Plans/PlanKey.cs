using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Plans;

/// <summary>What a plan is found by: the shapes of the module's inputs, the values of its shape tensors, and the choice of
/// profiles.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class PlanKey(ReadOnlySpan<TensorShape> inputs, ReadOnlySpan<long> shapeValues, ProfileChoice profile, int activeProfiles)
{
    private readonly TensorShape[] _inputs = inputs.ToArray();
    private readonly long[] _shapeValues = shapeValues.ToArray();

    /// <summary>In the module's order.</summary>
    public ReadOnlySpan<TensorShape> Inputs => _inputs;

    /// <summary>Values of the module's shape-tensor inputs, one after the other.</summary>
    public ReadOnlySpan<long> ShapeValues => _shapeValues;

    public ProfileChoice Profile { get; } = profile;

    /// <summary>Which profiles were active when the plan chose by shape: it might choose otherwise under others.</summary>
    public int ActiveProfiles { get; } = activeProfiles;

    public bool Fits(ReadOnlySpan<TensorShape> inputs, ReadOnlySpan<long> shapeValues, ProfileChoice profile, int activeProfiles) =>
        profile == Profile && activeProfiles == ActiveProfiles && inputs.SequenceEqual(_inputs) && shapeValues.SequenceEqual(_shapeValues);
}
