using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>Which baselines were taken back, in whole or in part: an unset hides what every older baseline of its scope has of its modes,
/// whichever of the two is heard of first.</summary>
/// <remarks>Immutable. An unset is an entry that was over when it was made; it is collected as a tombstone is, but not before the baselines
/// that it hides.</remarks>
public sealed class ModeUnsets
{
    private static readonly ModeUnsets None = new([]);

    private readonly Dictionary<ModeScope, List<ModeEntry>> _unsets;

    private ModeUnsets(Dictionary<ModeScope, List<ModeEntry>> unsets) => _unsets = unsets;

    public static ModeUnsets Of(IEnumerable<ModeEntry> entries)
    {
        Dictionary<ModeScope, List<ModeEntry>>? unsets = null;
        foreach (ModeEntry entry in entries)
        {
            if (!Is(entry))
            {
                continue;
            }

            unsets ??= [];
            if (!unsets.TryGetValue(entry.Scope, out List<ModeEntry>? ofScope))
            {
                unsets.Add(entry.Scope, ofScope = []);
            }

            ofScope.Add(entry);
        }

        return unsets is null ? None : new ModeUnsets(unsets);
    }

    /// <summary>Whether an entry takes baselines back.</summary>
    public static bool Is(ModeEntry entry) => entry is { Token: null, IsSession: false, End.Reason: ModeEndReason.Unset };

    /// <summary>Whether an entry is a baseline that has not ended.</summary>
    public static bool IsBaseline(ModeEntry entry) => entry is { Token: null, IsSession: false, End: null };

    /// <summary>What is left of an entry's change; the change itself where nothing was taken back.</summary>
    public ModeChange Left(ModeEntry entry)
    {
        ModeChange left = entry.Change;
        if (IsBaseline(entry) && _unsets.TryGetValue(entry.Scope, out List<ModeEntry>? unsets))
        {
            foreach (ModeEntry unset in unsets.Where(unset => unset.Stamp > entry.Stamp))
            {
                left = ModeField.All.Where(field => field.IsSet(unset.Change) && field.IsSet(left)).Aggregate(left, Without);
            }
        }

        return left;
    }

    /// <summary>Whether, of everything here, this unset alone hides something of the baseline.</summary>
    public bool Needs(ModeEntry unset, ModeEntry baseline) =>
        IsBaseline(baseline)
        && baseline.Scope == unset.Scope
        && baseline.Stamp < unset.Stamp
        && ModeField.All.Any(field =>
            field.IsSet(unset.Change)
            && field.IsSet(baseline.Change)
            && !_unsets[unset.Scope].Exists(newer => newer.Stamp > unset.Stamp && field.IsSet(newer.Change))
        );

    private static ModeChange Without(ModeChange change, ModeField field) => field.Overlay(change, ModeChange.None);
}
