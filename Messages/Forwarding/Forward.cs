using MessagePack;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;

namespace Troupe.Messages.Forwarding;

/// <summary>One call of a module: inputs in, exactly one terminal <see cref="ForwardReply"/> out.</summary>
/// <remarks>Immutable. Inputs may come in any order, matched by name. <see cref="TimeLeft"/> travels instead of a wall-clock deadline; the
/// receiver adds it to its own clock.</remarks>
[MessagePackObject]
public sealed record Forward
{
    /// <summary>Used where the sender states no time: 30 s. A forward never goes without a deadline.</summary>
    public static TimeSpan DefaultTimeLeft { get; } = TimeSpan.FromSeconds(30);

    [Key(0)]
    public required RequestId Id { get; init; }

    [Key(1)]
    public required ModelReference Model { get; init; }

    [Key(2)]
    public required Tensor[] Inputs { get; init; }

    /// <summary>Names of the outputs wanted; empty means all.</summary>
    [Key(3)]
    public string[] Outputs { get; init; } = [];

    [Key(4)]
    public TimeSpan TimeLeft { get; init; } = DefaultTimeLeft;

    /// <summary>Run on this device and no other.</summary>
    [Key(5)]
    public GpuId? Gpu { get; init; }

    [Key(6)]
    public SessionId? Session { get; init; }

    /// <summary>Modes of this call alone (scope call, the narrowest).</summary>
    [Key(7)]
    public ModeChange? Modes { get; init; }

    /// <summary>W3C trace context of the caller, passed on unread.</summary>
    [Key(8)]
    public string? TraceParent { get; init; }

    /// <summary>From 1, the highest, to <see cref="ForwardPriority.Levels"/>; 0 is the default level. Among those that wait for a device,
    /// the higher goes first.</summary>
    [Key(9), AddedLater]
    public int Priority { get; init; }

    [Key(10), AddedLater]
    public ForwardClass Class { get; init; }

    /// <summary>Most that it may wait in a device's queue: if that is over when its turn comes, it fails. Zero: as long as
    /// <see cref="TimeLeft"/>.</summary>
    [Key(11), AddedLater]
    public TimeSpan QueueTime { get; init; }

    /// <summary>The caller named no version: where the one in <see cref="Model"/> has gone before the forward comes to it, another
    /// takes its place. It does not travel: the router that accepts the forward chooses.</summary>
    [IgnoreMember]
    public bool TakesOtherVersion { get; init; }
}
