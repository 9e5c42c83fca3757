using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>What a forward or instance really runs with, after the module has had its say.</summary>
/// <param name="Settings">Without what a wide scope asks for and the back end cannot do.</param>
/// <param name="Refusal">Why it cannot run at all; null when it can.</param>
public sealed record AdmittedModes(ModeSettings Settings, long Epoch, ModeRefusal? Refusal);
