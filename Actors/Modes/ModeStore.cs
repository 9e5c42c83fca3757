using Troupe.Actors.Counts;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>What one directory holds: the convergent table, the clocks of its leases, the Lamport time, and the modes in force that follow
/// from them.</summary>
/// <remarks>
/// A lease is counted down by this node's monotonic clock from the time left that its newest renewal came with. An entry whose lease has
/// ended here is not in force here, but is no tombstone: a
/// renewal that another member granted in time brings it back.
/// </remarks>
internal sealed class ModeStore(NodeIncarnation incarnation)
{
    private readonly Dictionary<ModeStamp, (ModeStamp Renewed, TimeSpan Deadline)> _leases = [];
    private readonly Dictionary<ModeStamp, TimeSpan> _over = [];
    private readonly Dictionary<ModeStamp, TimeSpan> _hidden = [];
    private long _counter;

    public ModeTable Table { get; private set; } = ModeTable.Empty;

    public ModesInForce InForce { get; private set; } = ModesInForce.None;

    public long Time { get; private set; }

    /// <summary>A new place in the order, after everything heard of so far.</summary>
    public ModeStamp NextStamp() => new(++Time, incarnation, ++_counter);

    /// <summary>The time of an event of this node.</summary>
    public long NextTime() => ++Time;

    /// <summary>Another directory's time has been heard.</summary>
    public void AdvanceTime(long time) => Time = Math.Max(Time, time);

    /// <summary>Takes in entries; true when what is in force has changed.</summary>
    public bool Merge(IEnumerable<ModeEntry> entries, TimeSpan now)
    {
        foreach (ModeEntry entry in entries)
        {
            AdvanceTime(entry.Stamp.Time);
            AdvanceTime(entry.Lease?.Renewed.Time ?? 0);
            AdvanceTime(entry.End?.Time ?? 0);
            Table = Table.With(entry);
            ModeEntry merged = Table.TryGet(entry.Stamp, out ModeEntry? known) ? known : entry;
            if (merged.End is not null)
            {
                _leases.Remove(merged.Stamp);
                _over.TryAdd(merged.Stamp, now);
            }
            else if (entry.Lease is { } lease && merged.Lease is { } newest && lease.Renewed == newest.Renewed)
            {
                Count(merged.Stamp, lease, now);
            }
        }

        return Fold(now);
    }

    /// <summary>Time has passed: leases end; true when what is in force has changed.</summary>
    public bool Advance(TimeSpan now)
    {
        bool lapsed = false;
        foreach ((ModeStamp stamp, (_, TimeSpan deadline)) in _leases)
        {
            if (deadline <= now && _over.TryAdd(stamp, now))
            {
                lapsed = true;
            }
        }

        if (!lapsed)
        {
            return false;
        }

        Time++;
        return Fold(now);
    }

    /// <summary>It has not ended, and its lease has not either.</summary>
    public bool IsLive(ModeEntry entry) => entry.End is null && !_over.ContainsKey(entry.Stamp);

    /// <summary>What a listing shows: what is live and no newer baseline hides.</summary>
    public IEnumerable<ModeEntry> Shown()
    {
        HashSet<ModeStamp> hidden = [.. Table.Hidden()];
        return Table.Entries.Where(entry => IsLive(entry) && !hidden.Contains(entry.Stamp));
    }

    /// <summary>The ends of an entry and, where it is a session, everything entered for that session.</summary>
    public IEnumerable<ModeEntry> Ends(ModeEntry entry, ModeEnd end)
    {
        yield return ModeEntries.Ended(entry, end);
        if (entry.IsSession)
        {
            foreach (
                ModeEntry mode in Table.Entries.Where(other =>
                    !other.IsSession && other.End is null && other.Scope.Session == entry.Scope.Session
                )
            )
            {
                yield return ModeEntries.Ended(mode, end with { Reason = ModeEndReason.SessionClosed });
            }
        }
    }

    /// <summary>Time left of a lease; null for what has none.</summary>
    public TimeSpan? Left(ModeEntry entry, TimeSpan now) =>
        _leases.TryGetValue(entry.Stamp, out (ModeStamp Renewed, TimeSpan Deadline) clock)
            ? clock.Deadline > now
                ? clock.Deadline - now
                : TimeSpan.Zero
            : null;

    /// <summary>The entry as it is sent: with the time left now.</summary>
    public ModeEntry Outgoing(ModeEntry entry, TimeSpan now) =>
        entry.Lease is { } lease && Left(entry, now) is { } left ? entry with { Lease = lease with { Left = left } } : entry;

    /// <summary>Everything another directory may need: what is live, and what is over and not collected yet; a lease that ended here has no
    /// time left. What takes baselines back comes before them, so that none shows itself in between.</summary>
    public IEnumerable<ModeEntry> Shared(TimeSpan now) =>
        Table.Entries.OrderBy(entry => ModeUnsets.Is(entry) ? 0 : 1).Select(entry => Outgoing(entry, now));

    /// <summary>A number that two directories have in common when the same is live in both. Then neither holds anything live that the other
    /// knows to be over.</summary>
    public ulong Digest()
    {
        var unsets = ModeUnsets.Of(Table.Entries);
        return Shown().Aggregate(0UL, (digest, entry) => digest ^ ModeDigest.Of(entry, unsets.Left(entry)));
    }

    /// <summary>Forgets what has been over (or hidden by newer baselines) for long enough and is known to be so by everybody.</summary>
    /// <param name="confirmedAt">When the last of the other members held the same as this one.</param>
    public void Collect(TimeSpan now, TimeSpan age, TimeSpan confirmedAt)
    {
        HashSet<ModeStamp> hidden = [.. Table.Hidden()];
        foreach (ModeStamp shown in _hidden.Keys.Where(stamp => !hidden.Contains(stamp)).ToArray())
        {
            _hidden.Remove(shown);
        }

        foreach (ModeStamp stamp in hidden)
        {
            _hidden.TryAdd(stamp, now);
        }

        ModeStamp[] old =
        [
            .. _over.Concat(_hidden).Where(over => now - over.Value >= age && over.Value < confirmedAt).Select(over => over.Key),
        ];
        if (old.Length == 0)
        {
            return;
        }

        ModeTable rest = Table.Without(old.Where(stamp => !(Table.TryGet(stamp, out ModeEntry? entry) && ModeUnsets.Is(entry))));
        ModeTable without = rest.Without(old.Except(rest.Needed(old)));
        old = [.. old.Where(stamp => !without.TryGet(stamp, out _))];
        Table = without;
        foreach (ModeStamp stamp in old)
        {
            _over.Remove(stamp);
            _hidden.Remove(stamp);
            _leases.Remove(stamp);
        }
    }

    /// <summary>Time left was measured when a copy was sent, so that each copy is an upper bound and the least of them counts.</summary>
    private void Count(ModeStamp stamp, ModeLease lease, TimeSpan now)
    {
        TimeSpan deadline = now + lease.Left;
        if (!_leases.TryGetValue(stamp, out (ModeStamp Renewed, TimeSpan Deadline) clock) || clock.Renewed != lease.Renewed)
        {
            _leases[stamp] = (lease.Renewed, deadline);
            _over.Remove(stamp);
        }
        else if (deadline < clock.Deadline)
        {
            _leases[stamp] = (lease.Renewed, deadline);
        }
    }

    private bool Fold(TimeSpan now)
    {
        foreach ((ModeStamp stamp, (_, TimeSpan deadline)) in _leases)
        {
            if (deadline <= now)
            {
                _over.TryAdd(stamp, now);
            }
        }

        var folded = ModesInForce.Of(Table.Entries, IsLive, Time);
        if (
            folded
                .Entries.Select(entry => (entry.Stamp, entry.Change))
                .SequenceEqual(InForce.Entries.Select(entry => (entry.Stamp, entry.Change)))
        )
        {
            return false;
        }

        InForce = folded;
        return true;
    }

    /// <summary>Counts what a listing would show.</summary>
    /// <param name="known">Returned where it is still right.</param>
    public ModeCounts Count(ModeCounts known)
    {
        var counts = new ModeCounts(InForce.Epoch, 0, 0, 0, 0, 0, 0, 0);
        if (Table.Entries.Any())
        {
            counts = Shown().Aggregate(counts, (counted, entry) => counted.With(entry));
        }

        return counts == known ? known : counts;
    }
}
