using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>How two copies of one entry become one: newer lease, earliest end. Commutative, associative, idempotent.</summary>
public static class ModeEntries
{
    public static ModeEntry Merge(ModeEntry left, ModeEntry right)
    {
        if (left.Stamp != right.Stamp)
        {
            throw new ArgumentException($"Only copies of one entry merge; these are {left.Stamp} and {right.Stamp}.", nameof(right));
        }

        if (Earliest(left.End, right.End) is { } end)
        {
            return Ended(left, end);
        }

        return Newest(left.Lease, right.Lease) is { } lease && lease != left.Lease ? left with { Lease = lease } : left;
    }

    /// <summary>The tombstone of an entry: what it changed is forgotten, that it was there is not. Of an unset what it names is all there
    /// is; of a reason that only a newer node knows, that may be so too.</summary>
    public static ModeEntry Ended(ModeEntry entry, ModeEnd end) =>
        entry with
        {
            Change = end.Reason is ModeEndReason.Unset or ModeEndReason.Unknown ? entry.Change : ModeChange.None,
            Owner = null,
            Lease = null,
            End = end,
        };

    private static ModeEnd? Earliest(ModeEnd? left, ModeEnd? right)
    {
        if (left is not { } a || right is not { } b)
        {
            return left ?? right;
        }

        return (a.Time, Place(a.Reason)).CompareTo((b.Time, Place(b.Reason))) <= 0 ? a : b;
    }

    /// <summary>A reason that is known wins over one that this version could not read: it is the same end, told by somebody who
    /// could.</summary>
    private static int Place(ModeEndReason reason) => reason == ModeEndReason.Unknown ? int.MaxValue : (int)reason;

    /// <summary>Of one renewal seen twice the shorter time left counts: each copy tells how much was left when it was sent, so that less
    /// can be left and never more.</summary>
    private static ModeLease? Newest(ModeLease? left, ModeLease? right)
    {
        if (left is not { } a || right is not { } b)
        {
            return left ?? right;
        }

        int order = a.Renewed.CompareTo(b.Renewed);
        return order > 0 || (order == 0 && a.Left <= b.Left) ? a : b;
    }
}
