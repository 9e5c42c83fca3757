using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>The doors of an actor system: who is a member, and how much of what came over the control plane was dropped.</summary>
/// <remarks><b>Owns</b> the set of members and the counts. <b>Thread</b> any. <b>Blocks</b> never. One line of log at most in
/// <see cref="LogInterval"/>, however much is dropped.</remarks>
/// <param name="log">Takes that line.</param>
internal sealed class Doors(TimeProvider time, Action<string> log) : IExtension
{
    public static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<NodeId, bool> _members = new();
    private readonly long[] _dropped = new long[Enum.GetValues<ForeignReason>().Length];
    private readonly Lock _lock = new();
    private long? _loggedAt;
    private long _unlogged;

    public TimeProvider Time => time;

    /// <summary>Dropped since the start, by reason.</summary>
    public IReadOnlyList<KeyValuePair<ForeignReason, long>> Dropped =>
        [.. Enum.GetValues<ForeignReason>().Select(reason => KeyValuePair.Create(reason, Volatile.Read(ref _dropped[(int)reason])))];

    public static Doors Of(ActorSystem system) => Extension.Instance.Apply(system);

    /// <summary>Other nodes from the moment they join until they are removed: whoever is up was known as joining to all before.</summary>
    public bool IsMember(NodeId node) => _members.ContainsKey(node);

    public void Add(NodeId member) => _members[member] = true;

    public void Remove(NodeId member) => _members.TryRemove(member, out _);

    /// <param name="sender">As far as is known; it is text that the sender chose.</param>
    public void Drop(ForeignReason reason, NodeId? sender = null)
    {
        Interlocked.Increment(ref _dropped[(int)reason]);
        long unlogged;
        lock (_lock)
        {
            _unlogged++;
            if (_loggedAt is { } before && time.GetElapsedTime(before) < LogInterval)
            {
                return;
            }

            (_loggedAt, unlogged, _unlogged) = (time.GetTimestamp(), _unlogged, 0);
        }

        log($"Dropped {unlogged} foreign message{(unlogged == 1 ? "" : "s")}; the last: {Words(reason)}, sender {Shown(sender)}.");
    }

    private static string Words(ForeignReason reason) =>
        reason switch
        {
            ForeignReason.NotRead => "a kind that is not read from the network",
            ForeignReason.Invalid => "no valid message",
            ForeignReason.NoMember => "from no member of this cluster",
            ForeignReason.NotTaken => "not said between nodes to that actor",
            ForeignReason.OtherNode => "in the name of another node",
            ForeignReason.BeyondTime => "with a time beyond any cluster's",
        };

    /// <summary>A stranger's words do not reach the log as they are.</summary>
    private static string Shown(NodeId? sender) =>
        sender is { Address: { Length: > 1 and <= 128 } address }
        && address.All(letter => char.IsAsciiLetterOrDigit(letter) || ".:-_[]%".Contains(letter, StringComparison.Ordinal))
            ? address
            : "unknown";

    private sealed class Extension : ExtensionIdProvider<Doors>
    {
        public static Extension Instance { get; } = new();

        public override Doors CreateExtension(ExtendedActorSystem system) =>
            new(TimeProvider.System, line => system.Log.Warning("{0}", line));
    }
}
