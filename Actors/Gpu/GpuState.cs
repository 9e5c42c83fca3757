using Akka.Actor;
using Troupe.Actors.Decisions;

namespace Troupe.Actors.Gpu;

/// <summary>What a GPU's actor keeps when it is restarted.</summary>
/// <remarks><b>Owns</b> the core and what it has decided. <b>Thread</b> the GPU's.</remarks>
internal sealed class GpuState
{
    public GpuState(GpuSpec spec)
    {
        Spec = spec;
        Core = new GpuCore(spec, Decisions);
    }

    public GpuSpec Spec { get; }

    public DecisionQueue<GpuDecision, IGpuShell> Decisions { get; } = new();

    public GpuCore Core { get; }

    /// <summary>The present executor of the device.</summary>
    public IActorRef Executor { get; set; } = ActorRefs.Nobody;
}
