namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>Which steps touched which bytes, as far as a later step could still be unordered to them.</summary>
/// <remarks><b>Owns</b> its records. <b>Thread</b> under the execution's lock. <b>Blocks</b> never.</remarks>
internal sealed class AccessLog
{
    private readonly List<AccessRecord> _records = [];

    /// <summary>The first record that conflicts with an access, or null: same bytes, one of them written, not ordered before it.</summary>
    public AccessRecord? FindConflict(VectorClock clock, ulong start, ulong end, bool isWrite)
    {
        foreach (AccessRecord record in _records)
        {
            if ((isWrite || record.IsWrite) && record.Overlaps(start, end) && clock.At(record.Timeline) < record.Step)
            {
                return record;
            }
        }

        return null;
    }

    /// <summary>Adds a record; those that it or the host has overtaken are dropped.</summary>
    public void Add(in AccessRecord added, VectorClock clock, VectorClock host)
    {
        for (int i = _records.Count - 1; i >= 0; i--)
        {
            AccessRecord record = _records[i];
            bool isKnownToHost = host.At(record.Timeline) >= record.Step;
            bool isOvertaken =
                added.Start <= record.Start
                && record.End <= added.End
                && clock.At(record.Timeline) >= record.Step
                && (added.IsWrite || !record.IsWrite);
            if (!isKnownToHost && !isOvertaken)
            {
                continue;
            }

            _records[i] = _records[^1];
            _records.RemoveAt(_records.Count - 1);
        }

        _records.Add(added);
    }
}
