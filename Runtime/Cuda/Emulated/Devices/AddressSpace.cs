namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>Synthetic addresses of one device: every new range gets an address that no earlier one had, with a gap before its neighbour, so
/// that a stale or overrunning pointer hits nothing.</summary>
/// <remarks>
/// An address is (ordinal + 1) in the top 16 bits and an offset below; it names no host memory.
/// <b>Owns</b> the table. <b>Thread</b> finding is lock-free from any thread; mapping is under the device's lock. <b>Blocks</b> never.
/// </remarks>
internal sealed class AddressSpace(int ordinal)
{
    private const int OrdinalShift = 48;
    private const int GranuleShift = 21;
    private const int LeafShift = 10;
    private const int LeafSize = 1 << LeafShift;
    private const ulong OffsetMask = (1UL << OrdinalShift) - 1;

    private readonly ulong _origin = ((ulong)ordinal + 1) << OrdinalShift;
    private EmulatedAllocation?[]?[] _leaves = new EmulatedAllocation?[]?[16];
    private ulong _nextGranule = 1;

    /// <summary>Ordinal of the device an address belongs to; −1 for an address no device could have given out.</summary>
    public static int OrdinalOf(ulong address) => (int)(address >> OrdinalShift) - 1;

    /// <summary>Granules a range occupies, the gap behind it included.</summary>
    private static ulong GranulesOf(ulong bytes) => ((bytes + (1UL << GranuleShift) - 1) >> GranuleShift) + 1;

    /// <summary>The next never-used address for a range, or false when the space is used up.</summary>
    public bool TryReserve(ulong bytes, out ulong address)
    {
        ulong granules = GranulesOf(bytes);
        address = _origin | (_nextGranule << GranuleShift);
        if (_nextGranule + granules > OffsetMask >> GranuleShift)
        {
            return false;
        }

        _nextGranule += granules;
        return true;
    }

    public void Map(EmulatedAllocation allocation) => Write(allocation, allocation);

    /// <summary>Forgets a range; its addresses are not given out again.</summary>
    public void Unmap(EmulatedAllocation allocation) => Write(allocation, null);

    /// <summary>The range an address lies in, live or freed; null when there never was one.</summary>
    public EmulatedAllocation? Find(ulong address)
    {
        ulong granule = (address & OffsetMask) >> GranuleShift;
        ulong leaf = granule >> LeafShift;
        EmulatedAllocation?[]?[] leaves = Volatile.Read(ref _leaves);
        if (leaf >= (ulong)leaves.Length)
        {
            return null;
        }

        return leaves[leaf]?[granule & (LeafSize - 1)];
    }

    private void Write(EmulatedAllocation range, EmulatedAllocation? value)
    {
        ulong first = (range.Address & OffsetMask) >> GranuleShift;
        ulong count = GranulesOf(range.Capacity) - 1;
        for (ulong granule = first; granule < first + count; granule++)
        {
            ulong leaf = granule >> LeafShift;
            if (leaf >= (ulong)_leaves.Length)
            {
                var grown = new EmulatedAllocation?[]?[Math.Max(_leaves.Length * 2, (int)leaf + 1)];
                _leaves.CopyTo(grown, 0);
                Volatile.Write(ref _leaves, grown);
            }

            EmulatedAllocation?[]? entries = _leaves[leaf];
            if (entries is null)
            {
                entries = new EmulatedAllocation?[LeafSize];
                Volatile.Write(ref _leaves[leaf], entries);
            }

            entries[granule & (LeafSize - 1)] = value;
        }
    }
}
