using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Plans;

/// <summary>What one combination of input shapes means for a module: the shape of every tensor, the profile of every segment, and where
/// intermediate tensors lie.</summary>
/// <remarks>Made once by a lane per combination and kept; immutable once it is complete. An incomplete plan (data-dependent shapes) is good
/// for one forward.</remarks>
internal sealed class ForwardPlan
{
    /// <summary>Marks a tensor without a place in the arena of a device.</summary>
    public const ulong Nowhere = ulong.MaxValue;

    private const ulong Alignment = 256;

    public ForwardPlan(
        ModuleGraph graph,
        ReadOnlySpan<TensorShape> inputs,
        ReadOnlySpan<long> shapeValues,
        ProfileChoice profile,
        int activeProfiles,
        int devices
    )
    {
        Inputs = inputs.ToArray();
        ShapeValues = shapeValues.ToArray();
        Profile = profile;
        ActiveProfiles = activeProfiles;
        Shapes = new TensorShape[graph.Tensors.Length];
        Known = new bool[graph.Tensors.Length];
        Bytes = new ulong[graph.Tensors.Length];
        Profiles = new int[graph.Segments.Length];
        Offsets = new ulong[devices][];
        ArenaBytes = new ulong[devices];
        for (int device = 0; device < devices; device++)
        {
            Offsets[device] = new ulong[graph.Tensors.Length];
            Array.Fill(Offsets[device], Nowhere);
        }

        for (int index = 0; index < graph.Inputs.Length; index++)
        {
            Settle(graph, graph.Inputs[index], inputs[index]);
        }
    }

    /// <summary>Shapes of the module's inputs: the key, with <see cref="Profile"/>.</summary>
    public TensorShape[] Inputs { get; }

    public ProfileChoice Profile { get; }

    /// <summary>Which profiles were active when the plan chose by shape: it might choose otherwise under others.</summary>
    public int ActiveProfiles { get; }

    /// <summary>Values of the module's shape-tensor inputs, one after the other: part of the key.</summary>
    public long[] ShapeValues { get; }

    /// <summary>By tensor.</summary>
    public TensorShape[] Shapes { get; }

    /// <summary>By tensor: whether its shape is settled.</summary>
    public bool[] Known { get; }

    /// <summary>By tensor.</summary>
    public ulong[] Bytes { get; }

    /// <summary>By segment: the optimization profile it runs under.</summary>
    public int[] Profiles { get; }

    /// <summary>By device of the lane, by tensor: its place in that device's arena, or <see cref="Nowhere"/>.</summary>
    public ulong[][] Offsets { get; }

    /// <summary>By device of the lane.</summary>
    public ulong[] ArenaBytes { get; }

    /// <summary>Every shape is known, so that nothing needs to be measured.</summary>
    public bool IsComplete => !Known.Contains(false);

    public bool Fits(ReadOnlySpan<TensorShape> inputs, ReadOnlySpan<long> shapeValues, ProfileChoice profile, int activeProfiles) =>
        profile == Profile && activeProfiles == ActiveProfiles && inputs.SequenceEqual(Inputs) && shapeValues.SequenceEqual(ShapeValues);

    /// <summary>Whether shape tensors have the values of another plan.</summary>
    public bool SameShapeValues(ForwardPlan other) => ShapeValues.AsSpan().SequenceEqual(other.ShapeValues);

    public void Settle(ModuleGraph graph, int tensor, in TensorShape shape)
    {
        Shapes[tensor] = shape;
        Bytes[tensor] = (ulong)graph.Tensors[tensor].Type.ByteCount(shape.ElementCount);
        Known[tensor] = true;
    }

    /// <summary>Gives a tensor a place in a device's arena.</summary>
    public void Place(int device, int tensor)
    {
        if (Offsets[device][tensor] == Nowhere)
        {
            Offsets[device][tensor] = ArenaBytes[device];
            ArenaBytes[device] += ByteAlignment.Up(Math.Max(Bytes[tensor], 1), Alignment);
        }
    }
}
