using MessagePack;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Modes;

/// <summary>Opens a session: modes can be entered for it and forwards may name it, on every node, until it is closed or its lease
/// ends.</summary>
/// <param name="Owner">Serialized path of the actor whose death closes it; null: the lease alone.</param>
[MessagePackObject]
public sealed record OpenSession([property: Key(0)] TimeSpan Lease, [property: Key(1)] string? Owner = null) : ModeRequest;

[MessagePackObject]
public sealed record RenewSession([property: Key(0)] SessionId Session, [property: Key(1)] TimeSpan Lease) : ModeRequest;

/// <summary>Closes a session and ends every mode entered for it.</summary>
[MessagePackObject]
public sealed record CloseSession([property: Key(0)] SessionId Session) : ModeRequest;
