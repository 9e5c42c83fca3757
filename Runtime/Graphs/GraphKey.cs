using Troupe.Runtime.Cuda;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Graphs;

/// <summary>What a recording is good for: a unit, its input shapes and values, its profiles, and where its aliased inputs lie.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class GraphKey
{
    private readonly TensorIndex[] _aliased;
    private readonly DevicePointer[] _aliasedAddresses;

    /// <param name="shapes">Complete.</param>
    /// <param name="given">Addresses of the unit's inputs on its device; aliased ones are bound as they are.</param>
    public GraphKey(ModuleGraph graph, LaunchUnit unit, ForwardShapes shapes, Table<TensorIndex, DevicePointer> given)
    {
        Unit = unit;
        Shapes = shapes;
        _aliased = [.. unit.Inputs.Where(tensor => graph.Tensors[tensor].IsAliased)];
        _aliasedAddresses = [.. _aliased.Select(tensor => given[tensor])];
    }

    public LaunchUnit Unit { get; }

    public ForwardShapes Shapes { get; }

    /// <summary>Inputs of the unit that are written in place.</summary>
    public ReadOnlySpan<TensorIndex> Aliased => _aliased;

    /// <summary>Where the caller has each of <see cref="Aliased"/>.</summary>
    public ReadOnlySpan<DevicePointer> AliasedAddresses => _aliasedAddresses;

    public bool Fits(LaunchUnit unit, ForwardShapes shapes, Table<TensorIndex, DevicePointer> given)
    {
        if (!ReferenceEquals(unit, Unit))
        {
            return false;
        }

        for (int index = 0; index < _aliased.Length; index++)
        {
            if (given[_aliased[index]] != _aliasedAddresses[index])
            {
                return false;
            }
        }

        return ReferenceEquals(shapes, Shapes)
            || (shapes.Key.ShapeValues.SequenceEqual(Shapes.Key.ShapeValues) && SameShapes(shapes) && SameProfiles(shapes));
    }

    private bool SameShapes(ForwardShapes shapes)
    {
        foreach (TensorIndex tensor in Unit.Inputs)
        {
            if (shapes[tensor] != Shapes[tensor])
            {
                return false;
            }
        }

        return true;
    }

    private bool SameProfiles(ForwardShapes shapes)
    {
        foreach (SegmentIndex segment in Unit.Segments)
        {
            if (shapes.ProfileOf(segment) != Shapes.ProfileOf(segment))
            {
                return false;
            }
        }

        return true;
    }
}
