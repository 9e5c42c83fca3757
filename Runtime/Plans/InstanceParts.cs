using Troupe.Runtime.Counts;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>What the lanes of one instance have in common.</summary>
/// <param name="Engines">By segment.</param>
/// <param name="Health">Of its devices.</param>
/// <param name="MaxOutputBytes">Most that the outputs of one forward take together on their way to the host.</param>
/// <remarks>Owned by the instance, which outlives its lanes. <b>Thread</b> any, as far as each part says.</remarks>
internal sealed record InstanceParts(
    ModuleLayout Layout,
    InputCheck Check,
    ModuleTraits Traits,
    InstanceCounters Counters,
    IReadOnlyList<IEngine> Engines,
    InstanceSettings Settings,
    ModuleHealth Health,
    long MaxOutputBytes
)
{
    public ModuleGraph Graph { get; } = Layout.Graph;
}
