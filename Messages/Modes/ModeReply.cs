using MessagePack;
using Troupe.Messages.Failures;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Modes;

/// <summary>A device or member that a change did not reach or does not apply to, and why.</summary>
[MessagePackObject]
public sealed record ModeObstacle(
    [property: Key(0)] NodeId Node,
    [property: Key(1)] GpuId? Gpu,
    [property: Key(2), MessagePackFormatter(typeof(ProseFormatter))] string Reason
);

/// <summary>One live baseline or entry.</summary>
/// <param name="Token">Null for a baseline and a session.</param>
/// <param name="LeaseLeft">Null for a baseline.</param>
/// <param name="IsSession">It is the session in its scope itself, which sets nothing.</param>
[MessagePackObject]
public sealed record ModeEntrySnapshot(
    [property: Key(0)] ModeToken? Token,
    [property: Key(1)] ModeScope Scope,
    [property: Key(2)] ModeChange Change,
    [property: Key(3)] long Epoch,
    [property: Key(4)] TimeSpan? LeaseLeft,
    [property: Key(5)] NodeId Coordinator,
    [property: Key(6)] bool IsSession = false
);

/// <summary>One setting of an explanation: its value in words, the scope it comes from, and a conflict if it has one.</summary>
[MessagePackObject]
public sealed record ModeExplanation(
    [property: Key(0)] string Setting,
    [property: Key(1), MessagePackFormatter(typeof(ProseFormatter))] string Value,
    [property: Key(2)] string Source,
    [property: Key(3)] long Epoch,
    [property: Key(4), MessagePackFormatter(typeof(ProseFormatter))] string? Conflict
);

/// <summary>The answers of a mode directory.</summary>
[MessagePackObject]
[Union(0, typeof(Applied))]
[Union(1, typeof(Entered))]
[Union(2, typeof(Renewed))]
[Union(3, typeof(Exited))]
[Union(4, typeof(Listing))]
[Union(5, typeof(Explanation))]
[Union(6, typeof(Refused))]
[Union(7, typeof(SessionOpened))]
[Union(8, typeof(SessionRenewed))]
[Union(9, typeof(SessionClosed))]
[Union(10, typeof(Audited))]
public abstract record ModeReply : IWireMessage
{
    private ModeReply() { }

    /// <summary>A baseline was set or taken back.</summary>
    [MessagePackObject]
    public sealed record Applied(
        [property: Key(0)] long Epoch,
        [property: Key(1)] GpuId[] AppliedBy,
        [property: Key(2)] ModeObstacle[] NotReached
    ) : ModeReply;

    [MessagePackObject]
    public sealed record Entered(
        [property: Key(0)] ModeToken Token,
        [property: Key(1)] long Epoch,
        [property: Key(2)] GpuId[] AppliedBy,
        [property: Key(3)] ModeObstacle[] NotReached
    ) : ModeReply;

    [MessagePackObject]
    public sealed record Renewed([property: Key(0)] ModeToken Token, [property: Key(1)] TimeSpan Lease) : ModeReply;

    /// <summary>The mode is over and what it held is released, but at those listed, which learn of it when they can be reached.</summary>
    [MessagePackObject]
    public sealed record Exited(
        [property: Key(0)] ModeToken Token,
        [property: Key(1)] long Epoch,
        [property: Key(2)] ModeObstacle[] NotReached
    ) : ModeReply;

    [MessagePackObject]
    public sealed record Listing([property: Key(0)] ModeEntrySnapshot[] Entries, [property: Key(1)] long Epoch) : ModeReply;

    /// <param name="Conflicts">Instances in the scope that cannot run with what holds for them, and why.</param>
    [MessagePackObject]
    public sealed record Explanation(
        [property: Key(0)] ModeSettings Settings,
        [property: Key(1)] ModeExplanation[] Lines,
        [property: Key(2)] long Epoch,
        [property: Key(3)] ModeObstacle[] Conflicts
    ) : ModeReply;

    /// <summary>Nothing changed; <see cref="By"/> says who refused and why.</summary>
    [MessagePackObject]
    public sealed record Refused(
        [property: Key(0)] FailureKind Kind,
        [property: Key(1), MessagePackFormatter(typeof(ProseFormatter))] string Detail,
        [property: Key(2)] ModeObstacle[] By
    ) : ModeReply;

    [MessagePackObject]
    public sealed record SessionOpened(
        [property: Key(0)] SessionId Session,
        [property: Key(1)] TimeSpan Lease,
        [property: Key(2)] long Epoch
    ) : ModeReply;

    [MessagePackObject]
    public sealed record SessionRenewed([property: Key(0)] SessionId Session, [property: Key(1)] TimeSpan Lease) : ModeReply;

    [MessagePackObject]
    public sealed record SessionClosed([property: Key(0)] SessionId Session, [property: Key(1)] long Epoch) : ModeReply;

    [MessagePackObject]
    public sealed record Audited([property: Key(0)] AuditRow[] Rows) : ModeReply;
}
