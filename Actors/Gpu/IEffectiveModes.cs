using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>The settings of one forward, captured when it enters a GPU's queue, and the Lamport time of the modes they come from.</summary>
/// <param name="Conflict">Why these settings contradict each other (texts of torch_tensorrt), so that the forward fails as <c>ModeConflict</c>; null when they do not.</param>
internal readonly record struct CapturedModes(ModeSettings Settings, long Epoch, string? Conflict = null);

/// <summary>Answers what the modes in force make of one forward or instance: the only question a GPU asks of modes.</summary>
/// <remarks>Immutable: a change of modes is another value, handed to each GPU by <see cref="CommitModes"/>. Called for every forward, so <see cref="For"/> neither blocks nor, where nothing special holds, allocates.</remarks>
internal interface IEffectiveModes
{
    /// <summary>What a forward of <paramref name="model"/> on <paramref name="gpu"/> runs with, its session and its own change included.</summary>
    CapturedModes For(GpuId gpu, ModelVersion model, SessionId? session, ModeChange? call);

    /// <summary>What the instance itself has: its per-instance settings (budget, workspace, runtime settings, profiling) without session or call.</summary>
    ModeSettings Instance(GpuId gpu, ModelVersion model);

    /// <summary>The settings for which resources are held: everything that any live baseline or entry, sessions included, makes effective for the instance.</summary>
    ModeSettings Held(GpuId gpu, ModelVersion model);
}
