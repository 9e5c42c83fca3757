namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>The pieces of one allocation that are lent: once its owner has told of one, work may touch these alone.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class EmulatedPieces
{
    private readonly Lock _lock = new();

    /// <summary>By address.</summary>
    private readonly List<(ulong Start, ulong Bytes)> _lent = [];

    /// <summary>False where a part of it is lent already.</summary>
    public bool TryLend(ulong start, ulong bytes)
    {
        lock (_lock)
        {
            int index = IndexBehind(start);
            bool isFree =
                (index == 0 || _lent[index - 1].Start + _lent[index - 1].Bytes <= start)
                && (index == _lent.Count || start + bytes <= _lent[index].Start);
            if (isFree)
            {
                _lent.Insert(index, (start, bytes));
            }

            return isFree;
        }
    }

    /// <summary>False where no piece that is lent starts there.</summary>
    public bool TryTakeBack(ulong start)
    {
        lock (_lock)
        {
            int index = IndexBehind(start) - 1;
            bool isLent = index >= 0 && _lent[index].Start == start;
            if (isLent)
            {
                _lent.RemoveAt(index);
            }

            return isLent;
        }
    }

    /// <summary>Whether a range lies in one piece that is lent.</summary>
    public bool Covers(ulong start, ulong bytes)
    {
        lock (_lock)
        {
            int index = IndexBehind(start) - 1;
            return index >= 0
                && start - _lent[index].Start is ulong offset
                && offset <= _lent[index].Bytes
                && bytes <= _lent[index].Bytes - offset;
        }
    }

    /// <summary>Of the first piece that starts behind an address.</summary>
    private int IndexBehind(ulong address)
    {
        int low = 0,
            high = _lent.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            (low, high) = _lent[middle].Start <= address ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
