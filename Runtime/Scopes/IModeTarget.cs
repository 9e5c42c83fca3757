using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Scopes;

/// <summary>A module as in-process mode scopes see it; scopes are opened on it by the verbs of <see cref="ModeScopeVerbs"/>.</summary>
/// <remarks><b>Thread</b> any; calls for one target never overlap. <b>Blocks</b> while work in flight on the module ends.</remarks>
public interface IModeTarget
{
    /// <summary>Name for errors.</summary>
    string Name { get; }

    /// <summary>The runtime object's modes this module runs under.</summary>
    RuntimeModes Modes { get; }

    /// <summary>Does not change while the module is loaded.</summary>
    ModuleTraits Traits { get; }

    /// <summary>Bytes of streamable weights now kept on the device, summed over the engines.</summary>
    long WeightBudgetBytes { get; }

    /// <summary>The budget the back end would choose now, summed over the engines.</summary>
    long AutomaticWeightBudgetBytes { get; }

    /// <summary>
    /// Applies the per-instance settings (budget, workspace, runtime settings, profiling) once the forwards before it have finished. All of
    /// the module's
    /// engines or none. <see cref="WeightBudget.Automatic"/> gives every engine the value it had when it was loaded.
    /// </summary>
    /// <exception cref="ForwardException">Refused; nothing changed.</exception>
    void Apply(ModeSettings settings);

    /// <summary>A scope with graphs has begun: runs the warm-ups that need no call's data. What cannot be done now is left to the first
    /// call.</summary>
    void WarmUp(ModeSettings settings) { }

    /// <summary>Frees recordings and buffers that nothing holds any longer.</summary>
    void FreeAllBut(HeldModes held);
}
