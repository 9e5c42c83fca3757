using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Graphs;

/// <summary>The graphs of one lane, last used first; the least recently used one goes when there are too many.</summary>
/// <remarks>
/// A key is the unit, its input shapes and values, profiles and aliased addresses; changes of an engine's contexts or budget clear the
/// cache.
/// <b>Owns</b> the entries. <b>Thread</b> the lane's holder. <b>Blocks</b> never.
/// </remarks>
internal sealed class GraphCache(InstanceCounters counters, int capacity = GraphCache.DefaultCapacity)
{
    public const int DefaultCapacity = 16;

    /// <summary>A key whose capture failed this often is not tried again until the cache is cleared.</summary>
    private const int MaxFailures = 2;

    private readonly List<GraphEntry> _entries = new(capacity + 1);

    public int Count => _entries.Count(entry => entry.IsCaptured);

    /// <summary>The graph of this key, recorded now if need be; null when the forward is to run plainly.</summary>
    /// <param name="canRecord">Whether the unit can be recorded now; asked only where something would be.</param>
    /// <param name="make">Makes an entry for this key, with contexts of its own.</param>
    public GraphEntry? Obtain(
        LaunchUnit unit,
        ForwardShapes shapes,
        DeviceStream stream,
        Table<TensorIndex, DevicePointer> given,
        Func<LaunchUnit, ForwardShapes, bool> canRecord,
        GraphEntryFactory make
    )
    {
        GraphEntry? known = Find(unit, shapes, given);
        if (known is { IsCaptured: true })
        {
            counters.CountGraphHit();
            return known;
        }

        if (known is { Failures: >= MaxFailures } || !canRecord(unit, shapes))
        {
            return null;
        }

        counters.CountGraphMiss();
        GraphEntry entry = known ?? make(unit, shapes, given);
        int warmUps = 0;
        bool isRecorded;
        try
        {
            isRecorded = entry.Record(stream, given, out warmUps);
        }
        catch (Exception trouble) when (trouble is ForwardException or CudaException { IsContextFatal: false })
        {
            entry.Fail();
            counters.CountFailedCapture();
            Keep(entry, isNew: known is null);
            return null;
        }

        CountWarmUps(warmUps);
        if (!isRecorded)
        {
            entry.Dispose();
            return null;
        }

        counters.CountCapture();
        entry.IsProven = false;
        Keep(entry, isNew: known is null);
        return entry;
    }

    /// <summary>The graph of this key, if it is recorded; the last to go from now on.</summary>
    public GraphEntry? FindRecorded(LaunchUnit unit, ForwardShapes shapes, Table<TensorIndex, DevicePointer> given) =>
        Find(unit, shapes, given) is { IsCaptured: true } recorded ? recorded : null;

    /// <summary>Makes ready what the first call of this key would otherwise wait for; the recording itself is left to it.</summary>
    /// <exception cref="ForwardException">Out of memory or refused; nothing is left.</exception>
    /// <exception cref="CudaException">A launch was refused; nothing is left.</exception>
    public void WarmUp(LaunchUnit unit, ForwardShapes shapes, Table<TensorIndex, DevicePointer> given, GraphEntryFactory make)
    {
        if (Find(unit, shapes, given) is not null)
        {
            return;
        }

        GraphEntry entry = make(unit, shapes, given);
        int warmUps = 0;
        try
        {
            warmUps = entry.WarmUp();
        }
        finally
        {
            if (warmUps == 0)
            {
                entry.Fail();
            }
        }

        if (warmUps > 0)
        {
            CountWarmUps(warmUps);
            Keep(entry, isNew: true);
        }
    }

    /// <summary>Drops what is warm and not recorded yet.</summary>
    public void EvictWarm() => Evict(static entry => entry is { IsWarm: true, IsCaptured: false });

    /// <summary>The forwards so far completed: what they used is good.</summary>
    public void Prove()
    {
        foreach (GraphEntry entry in _entries)
        {
            entry.IsProven = true;
        }
    }

    /// <summary>A forward failed: drops what was recorded since the last one that completed.</summary>
    public void EvictUnproven() => Evict(static entry => entry is { IsCaptured: true, IsProven: false });

    /// <summary>Drops the graphs of whole modules or of segments.</summary>
    public void Evict(bool wholeModule) =>
        Evict(wholeModule ? static entry => entry.Key.Unit.IsWholeModule : static entry => !entry.Key.Unit.IsWholeModule);

    /// <summary>Drops everything, failures included.</summary>
    public void Clear() => Evict(static _ => true);

    private void Evict(Predicate<GraphEntry> chosen)
    {
        for (int index = _entries.Count - 1; index >= 0; index--)
        {
            if (chosen(_entries[index]))
            {
                Drop(index);
            }
        }
    }

    private void CountWarmUps(int warmUps)
    {
        for (int round = 0; round < warmUps; round++)
        {
            counters.CountWarmUp();
        }
    }

    private GraphEntry? Find(LaunchUnit unit, ForwardShapes shapes, Table<TensorIndex, DevicePointer> given)
    {
        for (int index = 0; index < _entries.Count; index++)
        {
            GraphEntry entry = _entries[index];
            if (entry.Key.Fits(unit, shapes, given))
            {
                if (index > 0)
                {
                    _entries.RemoveAt(index);
                    _entries.Insert(0, entry);
                }

                return entry;
            }
        }

        return null;
    }

    private void Keep(GraphEntry entry, bool isNew)
    {
        if (!isNew)
        {
            return;
        }

        _entries.Insert(0, entry);
        if (_entries.Count > capacity)
        {
            Drop(_entries.Count - 1);
        }
    }

    private void Drop(int index)
    {
        GraphEntry entry = _entries[index];
        _entries.RemoveAt(index);
        if (entry.IsCaptured)
        {
            counters.CountGraphEviction();
        }

        entry.Dispose();
    }
}

/// <summary>Makes an entry with execution contexts of its own.</summary>
internal delegate GraphEntry GraphEntryFactory(LaunchUnit unit, ForwardShapes shapes, Table<TensorIndex, DevicePointer> given);
