using Troupe.Messages.Failures;

namespace Troupe.Runtime.Modes;

/// <summary>Why a mode does not hold or a change of modes is not made, as data.</summary>
/// <param name="Kind"><see cref="FailureKind.ModeConflict"/> for settings that contradict each other or the module,
/// <see cref="FailureKind.NotSupported"/> for what its back end cannot do, <see cref="FailureKind.InvalidRequest"/> and
/// <see cref="FailureKind.NotFound"/> for requests that make no sense.</param>
/// <param name="Reason">For people; torch_tensorrt's own words where it has some.</param>
/// <param name="Field">The setting at fault; null where it is none in particular.</param>
public sealed record ModeRefusal(FailureKind Kind, string Reason, ModeField? Field = null);
