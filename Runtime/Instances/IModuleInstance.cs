using Troupe.Messages.Modes;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Instances;

/// <summary>A module loaded on a home device, whose lanes run forwards.</summary>
/// <remarks><b>Owns</b> engines, lanes and buffers. <b>Thread</b> the executor's, after it was handed over. Disposed there; work in flight
/// ends first.</remarks>
public interface IModuleInstance : IDisposable
{
    ModuleSpec Module { get; }

    int HomeOrdinal { get; }

    /// <summary>Every ordinal its segments lie on, home first.</summary>
    IReadOnlyList<int> Ordinals { get; }

    /// <summary>What of the module decides which modes can hold for it. Does not change while it is loaded.</summary>
    ModuleTraits Traits => ModuleTraits.Plain;

    /// <summary>Why these settings cannot run on this module (texts of torch_tensorrt), or null when they can.</summary>
    string? Conflict(ModeSettings settings) => ModeConflicts.Find(settings, Traits)?.Reason;

    /// <summary>Takes an idle lane, last used first; false when all are leased and no further one fits the budget.</summary>
    bool TryLease(out ILane lane);

    /// <summary>Applies a per-instance setting (budget, workspace, runtime settings, profiling) between forwards; every lane is idle
    /// then.</summary>
    /// <exception cref="ForwardException">The back end cannot do it; nothing changed.</exception>
    void Apply(ModeSettings settings);

    /// <summary>What it has done so far and what it keeps.</summary>
    InstanceSnapshot Snapshot();

    /// <summary>Frees recordings and buffer sets that nothing holds any longer; those of lanes at work when they are idle again.</summary>
    void FreeAllBut(HeldModes held);

    /// <summary>Everything the last <see cref="FreeAllBut"/> was to free is free; asking frees what can be freed by now.</summary>
    bool IsFreed => true;
}
