using MessagePack;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Forwarding;

/// <summary>The caller no longer wants the result: answered <see cref="FailureKind.Cancelled"/> at once, queued work is removed, launched
/// work finishes unseen.</summary>
[MessagePackObject]
public sealed record CancelForward([property: Key(0)] RequestId Id);
