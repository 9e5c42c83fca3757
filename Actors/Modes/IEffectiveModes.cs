using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>The settings of one forward, captured when it enters a GPU's queue, and the Lamport time of the modes they come from.</summary>
/// <param name="Settings">Already without what the module's back end cannot do and a wide scope asked for.</param>
/// <param name="Conflict">Why the forward cannot run with them (texts of torch_tensorrt), so that it fails as <paramref name="Kind"/>; null
/// when it can.</param>
/// <param name="Kind"><see cref="FailureKind.ModeConflict"/>, or <see cref="FailureKind.NotSupported"/> or
/// <see cref="FailureKind.InvalidRequest"/> where the call itself asked for what cannot be.</param>
internal readonly record struct CapturedModes(
    ModeSettings Settings,
    long Epoch,
    string? Conflict = null,
    FailureKind Kind = FailureKind.ModeConflict
);

/// <summary>Answers what the modes in force make of one forward or instance: the only question a GPU asks of modes.</summary>
/// <remarks>Immutable: a change of modes is another value, handed to each GPU by <see cref="ApplyGpuModes"/>. Called for every forward, so
/// <see cref="For"/> neither blocks nor, where nothing special holds, allocates.</remarks>
internal interface IEffectiveModes
{
    /// <summary>What a forward of <paramref name="model"/> on <paramref name="gpu"/> runs with, its session and its own change
    /// included.</summary>
    /// <param name="traits">Those of the instance (<see cref="IModuleInstance.Traits"/>).</param>
    CapturedModes For(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session, ModeChange? call);

    /// <summary>What the instance itself has: its per-instance settings (budget, workspace, runtime settings, profiling) without session or
    /// call.</summary>
    ModeSettings Instance(GpuId gpu, ModelVersion model, ModuleTraits traits);

    /// <summary>The resources that are kept: everything that any live baseline or entry, sessions included, makes effective for the
    /// instance.</summary>
    HeldModes Held(GpuId gpu, ModelVersion model, ModuleTraits traits);

    /// <summary>What the instance has against these modes; a GPU answers <see cref="CheckGpuModes"/> with the objections of all its
    /// instances, and changes nothing.</summary>
    /// <param name="session">As in <see cref="CheckGpuModes.Session"/>.</param>
    IReadOnlyList<ModeRefusal> Objections(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session);
}
