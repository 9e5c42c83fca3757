using MessagePack;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Modes;

/// <summary>Sets the baseline of a scope: it holds until set again, taken back by <see cref="UnsetMode"/>, or the process ends.</summary>
[MessagePackObject]
public sealed record SetMode([property: Key(0)] ModeScope Scope, [property: Key(1)] ModeChange Change) : ModeRequest;

/// <summary>Takes the baseline of a scope back for some modes: wider scopes show through again. Answered as <see cref="SetMode"/>
/// is.</summary>
/// <param name="Settings">Names of the modes, e.g. <c>cuda-graphs</c>.</param>
[MessagePackObject]
public sealed record UnsetMode([property: Key(0)] ModeScope Scope, [property: Key(1)] string[] Settings) : ModeRequest;

/// <summary>Enters a mode for a scope, until <see cref="ExitMode"/>, the end of its lease or the death of its owner.</summary>
/// <param name="Owner">Serialized path of an actor whose death ends the mode; null (HTTP, CLI): the lease alone.</param>
[MessagePackObject]
public sealed record EnterMode(
    [property: Key(0)] ModeScope Scope,
    [property: Key(1)] ModeChange Change,
    [property: Key(2)] TimeSpan Lease,
    [property: Key(3)] string? Owner = null
) : ModeRequest;

[MessagePackObject]
public sealed record RenewMode([property: Key(0)] ModeToken Token, [property: Key(1)] TimeSpan Lease) : ModeRequest;

[MessagePackObject]
public sealed record ExitMode([property: Key(0)] ModeToken Token) : ModeRequest;

/// <summary>Asks which entries and baselines bear on a scope.</summary>
[MessagePackObject]
public sealed record GetModes([property: Key(0)] ModeScope Scope) : ModeRequest;

/// <summary>Asks for the effective settings at a scope and where each comes from.</summary>
[MessagePackObject]
public sealed record ExplainModes([property: Key(0)] ModeScope Scope) : ModeRequest;

/// <summary>Asks what this node's router has counted under the mode <c>audit</c>, for scopes that overlap the one given. What was counted
/// stays when the mode ends: until the process does, or many other scopes have been counted for since.</summary>
[MessagePackObject]
public sealed record GetAudit([property: Key(0)] ModeScope Scope) : ModeRequest;
