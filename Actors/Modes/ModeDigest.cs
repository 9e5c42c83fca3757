using Troupe.Messages.Modes;

namespace Troupe.Actors.Modes;

/// <summary>One entry as a number, the same in every process: which it is and its newest renewal.</summary>
internal static class ModeDigest
{
    public static ulong Of(ModeEntry entry)
    {
        ulong hash = 14695981039346656037;
        Add(ref hash, entry.Stamp);
        if (entry.Lease is { } lease)
        {
            Add(ref hash, lease.Renewed);
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
