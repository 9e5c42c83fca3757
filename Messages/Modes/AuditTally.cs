using MessagePack;
using Troupe.Messages.Failures;

namespace Troupe.Messages.Modes;

/// <summary>What became of the forwards that were counted, on the node whose router they started from.</summary>
/// <param name="Accepted">Forwards; each is succeeded or failed once it has been answered.</param>
/// <param name="Redispatched">Attempts after the first.</param>
/// <param name="Executed">Attempts that a device launched. Of an attempt that was lost with its node, or given up on another one, this is
/// not known.</param>
/// <param name="Late">Launched attempts whose result came when nobody waited for them any more.</param>
[MessagePackObject]
public sealed record AuditTally(
    [property: Key(0)] long Accepted,
    [property: Key(1)] long Succeeded,
    [property: Key(2)] FailureTally[] Failed,
    [property: Key(3)] long Redispatched,
    [property: Key(4)] long Executed,
    [property: Key(5)] long Late
);

/// <summary>How many forwards failed in one way.</summary>
[MessagePackObject]
public sealed record FailureTally([property: Key(0)] FailureKind Kind, [property: Key(1)] long Count);

/// <summary>What one scope has counted.</summary>
/// <param name="Scope">That of the baseline or entry which made the mode hold; null: forwards that asked for it themselves.</param>
[MessagePackObject]
public sealed record AuditRow([property: Key(0)] ModeScope? Scope, [property: Key(1)] AuditTally Tally);
