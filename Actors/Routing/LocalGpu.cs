using Troupe.Actors.Forwards;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>What a router knows of one GPU of its own node: its last report and the credits spent on it.</summary>
internal sealed class LocalGpu(GpuReport report)
{
    public GpuId Id => Report.Gpu;

    public GpuReport Report { get; set; } = report;

    /// <summary>Forwards handed to it that it has not released: credits spent.</summary>
    public int Outstanding { get; set; }

    /// <summary>Rises with each dispatch on this node: among equally loaded GPUs the one used longest ago comes first.</summary>
    public long LastUsed { get; set; }

    /// <summary>Lines of suspects that run here: others go elsewhere where they can.</summary>
    public int SuspectLines { get; set; }

    public bool HasCredit => Outstanding < Report.Credits;

    public bool Ready => Report.Health == GpuHealth.Ready;
}
