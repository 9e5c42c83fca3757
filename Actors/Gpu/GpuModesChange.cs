using Troupe.Actors.Membership;
using Troupe.Actors.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>A change of modes that the instances of a GPU take one by one; the last in its scope to have done so has it
/// acknowledged.</summary>
internal sealed class GpuModesChange(ApplyGpuModes commit, IReplyTo<IGpuModesAnswer> asker)
{
    public ApplyGpuModes Commit { get; } = commit;

    public IReplyTo<IGpuModesAnswer> Asker { get; } = asker;

    /// <summary>Instances in its scope that have not taken it.</summary>
    public HashSet<GpuInstance> Awaited { get; } = [];

    public List<InstanceRefusal> Refusals { get; } = [];

    /// <summary>An instance did not take it; one outside its scope tells nobody.</summary>
    public void Refuse(GpuInstance instance, InstanceRefusal refusal)
    {
        if (Awaited.Contains(instance))
        {
            Refusals.Add(refusal);
        }
    }
}
