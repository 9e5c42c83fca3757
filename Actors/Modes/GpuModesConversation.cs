using Akka.Event;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Modes;

/// <summary>Mode directory to one GPU, phase one: would these modes do for the instances you have? Nothing changes. Answered by
/// <see cref="GpuModesChecked"/>.</summary>
/// <param name="Change">Chosen by the sender, echoed in the answer.</param>
/// <param name="Modes">Every mode as it would hold after the change.</param>
/// <param name="Session">The session whose settings the change touches; null when it touches none in particular.</param>
/// <param name="Explains">Nothing is going to change: the answer also names instances that could not take the settings they should
/// have.</param>
internal sealed record CheckGpuModes(long Change, IEffectiveModes Modes, SessionId? Session = null, bool Explains = false)
    : IGpuModesRequest;

/// <summary>The answer of a GPU to <see cref="CheckGpuModes"/>: one line per instance that refuses.</summary>
internal sealed record GpuModesChecked(long Change, GpuId Gpu, IReadOnlyList<InstanceRefusal> Refusals) : IGpuModesAnswer;

/// <summary>An instance whose settings would contradict each other or its back end, and in what words.</summary>
internal sealed record InstanceRefusal(ModelVersion Model, FailureKind Kind, string Reason);

/// <summary>Mode directory to one GPU, phase two: forwards that enter the queue from now on are captured under these modes.</summary>
/// <remarks>
/// Per-instance changes are a barrier: forwards admitted before finish first, later ones wait, then the executor applies them. Resources
/// that <see cref="IEffectiveModes.Held"/>
/// no longer asks for are released once the forwards that were queued under them are done. Only then is <see cref="GpuModesApplied"/> sent.
/// A commit with the former modes compensates.
/// </remarks>
/// <param name="Change">Chosen by the sender, echoed in the answer.</param>
/// <param name="Modes">Every mode as it holds now.</param>
/// <param name="Scope">Where the change holds: the answer waits for no instance outside it; null where it waits for all.</param>
internal sealed record ApplyGpuModes(long Change, IEffectiveModes Modes, ModeScope? Scope = null) : IGpuModesRequest;

/// <summary>The GPU runs under the modes of <see cref="ApplyGpuModes"/>, but for the instances listed, whose own settings stayed as they
/// were.</summary>
internal sealed record GpuModesApplied(long Change, GpuId Gpu, IReadOnlyList<InstanceRefusal> Refusals)
    : IGpuModesAnswer,
        IDeadLetterSuppression;
