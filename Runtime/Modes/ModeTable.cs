using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>The convergent set of baselines, entries and sessions: two tables that have seen the same entries in any order, any number of
/// times, are equal.</summary>
/// <remarks>
/// Immutable. Ended entries stay as tombstones, so that a late copy cannot bring them back, until <see cref="Without"/> collects them: when
/// no member can
/// hold or send a live copy any more. A baseline whose every setting newer baselines or unsets of its scope name is collected by the same
/// rule; until then they hide it.
/// </remarks>
public sealed class ModeTable
{
    private readonly ImmutableSortedDictionary<ModeStamp, ModeEntry> _entries;
    private readonly ImmutableDictionary<ModeToken, ModeStamp> _tokens;

    private ModeTable(ImmutableSortedDictionary<ModeStamp, ModeEntry> entries, ImmutableDictionary<ModeToken, ModeStamp> tokens)
    {
        _entries = entries;
        _tokens = tokens;
    }

    public static ModeTable Empty { get; } =
        new(ImmutableSortedDictionary<ModeStamp, ModeEntry>.Empty, ImmutableDictionary<ModeToken, ModeStamp>.Empty);

    /// <summary>Oldest first, tombstones included.</summary>
    public IEnumerable<ModeEntry> Entries => _entries.Values;

    public int Count => _entries.Count;

    public bool TryGet(ModeStamp stamp, [NotNullWhen(true)] out ModeEntry? entry) => _entries.TryGetValue(stamp, out entry);

    /// <summary>The entry a token names, ended or not; null when the table knows none.</summary>
    public ModeEntry? Find(ModeToken token) => _tokens.TryGetValue(token, out ModeStamp stamp) ? _entries[stamp] : null;

    /// <summary>The entry that stands for a session, ended or not; null when the table knows none.</summary>
    public ModeEntry? Find(SessionId session)
    {
        foreach (ModeEntry entry in _entries.Values)
        {
            if (entry.IsSession && entry.Scope.Session == session)
            {
                return entry;
            }
        }

        return null;
    }

    /// <summary>This table and one more entry, or a newer copy of one it has; the same table when that adds nothing.</summary>
    public ModeTable With(ModeEntry entry)
    {
        ModeEntry merged = entry;
        if (_entries.TryGetValue(entry.Stamp, out ModeEntry? known))
        {
            merged = ModeEntries.Merge(known, entry);
            if (ReferenceEquals(merged, known) || merged == known)
            {
                return this;
            }
        }
        else if (entry.End is { } end)
        {
            merged = ModeEntries.Ended(entry, end);
        }

        return new ModeTable(
            _entries.SetItem(merged.Stamp, merged),
            merged.Token is { } token ? _tokens.SetItem(token, merged.Stamp) : _tokens
        );
    }

    public ModeTable With(IEnumerable<ModeEntry> entries) => entries.Aggregate(this, (table, entry) => table.With(entry));

    /// <summary>The table without collected entries.</summary>
    public ModeTable Without(IEnumerable<ModeStamp> stamps)
    {
        ImmutableSortedDictionary<ModeStamp, ModeEntry>.Builder entries = _entries.ToBuilder();
        ImmutableDictionary<ModeToken, ModeStamp>.Builder tokens = _tokens.ToBuilder();
        foreach (ModeStamp stamp in stamps)
        {
            if (entries.Remove(stamp, out ModeEntry? entry) && entry.Token is { } token)
            {
                tokens.Remove(token);
            }
        }

        return new ModeTable(entries.ToImmutable(), tokens.ToImmutable());
    }

    /// <summary>Whether a baseline is set for a scope.</summary>
    public bool HasBaseline(ModeScope scope) => _entries.Values.Any(entry => ModeUnsets.IsBaseline(entry) && entry.Scope == scope);

    /// <summary>Of some unsets those that still hide something of a baseline.</summary>
    public IEnumerable<ModeStamp> Needed(IEnumerable<ModeStamp> stamps)
    {
        ModeEntry[] asked = [.. stamps.Where(_entries.ContainsKey).Select(stamp => _entries[stamp]).Where(ModeUnsets.Is)];
        if (asked.Length == 0)
        {
            return [];
        }

        var unsets = ModeUnsets.Of(_entries.Values);
        return asked.Where(unset => _entries.Values.Any(entry => unsets.Needs(unset, entry))).Select(unset => unset.Stamp);
    }

    /// <summary>Live baselines every setting of which a newer live baseline of the same scope sets, or an unset takes back: nothing can
    /// bring them back into force.</summary>
    public IEnumerable<ModeStamp> Hidden()
    {
        var above = new Dictionary<ModeScope, ModeChange>();
        foreach (ModeEntry entry in _entries.Values.Reverse())
        {
            bool isUnset = ModeUnsets.Is(entry);
            if (!isUnset && !ModeUnsets.IsBaseline(entry))
            {
                continue;
            }

            ModeChange newer = above.GetValueOrDefault(entry.Scope, ModeChange.None);
            if (!isUnset && ModeField.All.All(field => !field.IsSet(entry.Change) || field.IsSet(newer)))
            {
                yield return entry.Stamp;
            }
            else
            {
                above[entry.Scope] = ModeField
                    .All.Where(field => field.IsSet(newer))
                    .Aggregate(entry.Change, (change, field) => field.Overlay(change, newer));
            }
        }
    }
}
