using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>One entry as a number, the same in every process: which it is, its newest renewal, and what is left of it where some was taken
/// back.</summary>
internal static class ModeDigest
{
    /// <param name="left">What is left of its change.</param>
    public static ulong Of(ModeEntry entry, ModeChange left)
    {
        ulong hash = 14695981039346656037;
        Add(ref hash, entry.Stamp);
        if (entry.Lease is { } lease)
        {
            Add(ref hash, lease.Renewed);
        }

        if (!ReferenceEquals(left, entry.Change))
        {
            foreach (ModeField field in ModeField.All.Where(field => field.IsSet(left)))
            {
                foreach (char letter in field.Name)
                {
                    Add(ref hash, letter);
                }
            }
        }

        return hash;
    }

    private static void Add(ref ulong hash, ModeStamp stamp)
    {
        Add(ref hash, (ulong)stamp.Time);
        Add(ref hash, stamp.Node.Value);
        Add(ref hash, (ulong)stamp.Counter);
    }

    /// <summary>FNV-1a over words, finished so that similar entries do not cancel out when digests are combined.</summary>
    private static void Add(ref ulong hash, ulong word)
    {
        hash = (hash ^ word) * 1099511628211;
        hash ^= hash >> 29;
        hash *= 0xBF58476D1CE4E5B9;
        hash ^= hash >> 32;
    }
}
