namespace Troupe.Runtime.Modes;

/// <summary>Settings that contradict each other or a module.</summary>
/// <param name="Reason">For people; torch_tensorrt's own words where it has some.</param>
/// <param name="Concerned">The settings the contradiction is between, the one to give up first.</param>
public sealed record ModeConflict(string Reason, IReadOnlyList<ModeField> Concerned);
