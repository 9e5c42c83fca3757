using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>Finds the plan of a forward's input shapes, or makes it by bringing the segments to them.</summary>
/// <remarks><b>Owns</b> the lane's plans. <b>Thread</b> the lane's holder. <b>Blocks</b> where the values of shape tensors
/// are read from the device.</remarks>
internal sealed class Planner(InstanceParts parts, Table<SegmentIndex, BoundSegment> segments)
{
    private readonly PlanCache _plans = new();
    private readonly ShapeTensors _shapeTensors = new(parts.Graph);

    /// <summary>By segment: the profile of its last forward that succeeded, which an automatic choice keeps while it fits.</summary>
    private readonly int[] _activeProfiles = new int[segments.Count];

    /// <summary>The shapes of a forward, as far as they are known before it runs.</summary>
    /// <param name="inputs">Where the values of shape tensors lie; not needed for modules without such.</param>
    /// <param name="onHost">The values in host memory, where they come from there; else null.</param>
    /// <param name="shapes">Of the module's inputs.</param>
    /// <param name="plan">Null where shapes depend on data.</param>
    /// <exception cref="ForwardException">No profile fits, or an engine refuses the shapes.</exception>
    public ForwardShapes ShapesOf(
        ReadOnlySpan<DeviceTensor> inputs,
        IHostValues? onHost,
        ReadOnlySpan<TensorShape> shapes,
        ProfileChoice profile,
        out ForwardPlan? plan
    )
    {
        _shapeTensors.Read(inputs, onHost, shapes);
        int active = profile.IsAuto ? ActiveProfiles() : 0;
        if (_plans.TryFind(shapes, _shapeTensors.Values, profile, active, out plan))
        {
            return plan.Shapes;
        }

        var made = new ForwardShapes(parts.Graph, new PlanKey(shapes, _shapeTensors.Values, profile, active));
        foreach (BoundSegment segment in segments.Items)
        {
            if (!made.AreKnown(segment.Wiring.Inputs))
            {
                break;
            }

            BringTo(segment, made);
        }

        if (made.IsComplete)
        {
            plan = new ForwardPlan(made, ArenaLayout.BetweenSegments(parts.Layout, made));
            _plans.Add(plan);
        }

        return made;
    }

    /// <summary>Chooses a segment's profile and brings its context to the shapes known by now.</summary>
    public void BringTo(BoundSegment segment, ForwardShapes shapes)
    {
        using ContextEntry entry = segment.Device.Context.Enter();
        int active = _activeProfiles[segment.Index.Value];
        shapes.SetProfile(
            segment.Index,
            ProfileSelection.Choose(segment.Engine, shapes.Key.Profile, active, shapes, parts.Graph, segment.Wiring)
        );
        segment.BringTo(shapes);
    }

    /// <summary>A forward succeeded: its profiles are active from now on.</summary>
    public void KeepProfiles(ForwardShapes shapes) => shapes.Profiles.CopyTo(_activeProfiles);

    public void Clear() => _plans.Clear();

    private int ActiveProfiles()
    {
        int active = 0;
        foreach (int profile in _activeProfiles)
        {
            active = (active * 31) + profile;
        }

        return active;
    }
}
