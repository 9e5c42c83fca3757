using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Graphs;

/// <summary>The recordings of one lane: what of a forward runs by one, when one is made, and when one is dropped.</summary>
/// <remarks>What was recorded since the last success is not used after a failure. <b>Owns</b> the recordings. <b>Thread</b> the lane's
/// holder. <b>Blocks</b> never.</remarks>
internal sealed class LaneGraphs
{
    private readonly InstanceParts _parts;
    private readonly Table<DeviceIndex, LaneDevice> _devices;
    private readonly Table<SegmentIndex, BoundSegment> _segments;
    private readonly GraphCache _cache;
    private readonly LaunchUnit[] _whole;
    private readonly GraphEntryFactory _makeEntry;
    private readonly Func<LaunchUnit, ForwardShapes, bool> _canRecord;
    private bool _evictUnproven;

    public LaneGraphs(InstanceParts parts, Table<DeviceIndex, LaneDevice> devices, Table<SegmentIndex, BoundSegment> segments)
    {
        _parts = parts;
        _devices = devices;
        _segments = segments;
        _whole = [parts.Layout.Whole];
        _cache = new GraphCache(parts.Counters, Math.Max(GraphCache.DefaultCapacity, 2 * segments.Count));
        _makeEntry = MakeEntry;
        _canRecord = CanRecord;
    }

    /// <summary>Graphs recorded and kept.</summary>
    public int Count => _cache.Count;

    /// <summary>Gives tensors that lie nowhere yet their places in the recordings that the forward will replay, so that they are copied
    /// straight there and from there. Those recordings stay until the forward is enqueued: more are kept than one forward uses.</summary>
    public void Claim(CudaGraphsMode mode, ForwardShapes shapes, TensorAddresses addresses, bool withOutputs)
    {
        if (!shapes.IsComplete || mode == CudaGraphsMode.Off)
        {
            return;
        }

        foreach (LaunchUnit unit in mode == CudaGraphsMode.WholeModule ? _whole : _parts.Layout.Single.Items)
        {
            _cache.FindRecorded(unit, shapes, addresses.On(unit.Device))?.Claim(addresses, withOutputs);
        }
    }

    /// <summary>Runs a unit by its graph; false when it has to run plainly.</summary>
    public bool TryReplay(LaunchUnit unit, ForwardShapes shapes, TensorAddresses addresses)
    {
        if (!shapes.IsComplete)
        {
            return false;
        }

        DeviceStream stream = _devices[unit.Device].Stream;
        GraphEntry? entry = _cache.Obtain(unit, shapes, stream, addresses.On(unit.Device), _canRecord, _makeEntry);
        if (entry is null)
        {
            return false;
        }

        entry.Replay(stream, addresses);
        _parts.Counters.CountReplay();
        return true;
    }

    /// <summary>Makes ready what the first call of a unit would otherwise wait for, where that needs no call's data.</summary>
    /// <inheritdoc cref="GraphCache.WarmUp" path="/exception"/>
    public void WarmUp(LaunchUnit unit, ForwardShapes shapes)
    {
        if (shapes.IsComplete && CanRecord(unit, shapes))
        {
            using ContextEntry there = _devices[unit.Device].Context.Enter();
            _cache.WarmUp(unit, shapes, new Table<TensorIndex, DevicePointer>(_parts.Graph.Tensors.Count), _makeEntry);
        }
    }

    /// <summary>Drops what is warm and not recorded yet.</summary>
    public void EvictWarm() => _cache.EvictWarm();

    /// <summary>A forward failed, or may have: what was recorded since the last success is dropped before the next one.</summary>
    public void Doubt() => _evictUnproven = true;

    /// <summary>The forwards so far succeeded: what they used is good.</summary>
    public void Prove()
    {
        if (!_evictUnproven)
        {
            _cache.Prove();
        }
    }

    /// <summary>Drops what is in doubt. The lane is idle.</summary>
    public void EvictUnproven()
    {
        if (_evictUnproven)
        {
            _evictUnproven = false;
            _cache.EvictUnproven();
        }
    }

    /// <summary>Drops the graphs that no mode holds. The lane is idle.</summary>
    public void EvictAllBut(HeldModes held)
    {
        if (!held.SegmentGraphs)
        {
            _cache.Evict(wholeModule: false);
        }

        if (!held.ModuleGraphs)
        {
            _cache.Evict(wholeModule: true);
        }
    }

    /// <summary>Drops everything, failed captures included. The lane is idle.</summary>
    public void Clear() => _cache.Clear();

    private GraphEntry MakeEntry(LaunchUnit unit, ForwardShapes shapes, Table<TensorIndex, DevicePointer> given)
    {
        BoundSegment[] segments = new BoundSegment[unit.Segments.Count];
        foreach (SegmentIndex segment in unit.Segments)
        {
            segments[segment.Value - unit.Segments.First] = _segments[segment].ForRecording();
        }

        return new GraphEntry(_parts.Layout, new GraphKey(_parts.Graph, unit, shapes, given), _devices, segments);
    }

    /// <summary>Asks contexts that were brought to the shapes: what they were left with by a forward before, a failed one perhaps, says
    /// nothing about them.</summary>
    private bool CanRecord(LaunchUnit unit, ForwardShapes shapes)
    {
        foreach (SegmentIndex index in unit.Segments)
        {
            BoundSegment segment = _segments[index];
            using ContextEntry entry = segment.Device.Context.Enter();
            segment.BringTo(shapes);
            // An engine of TensorRT-RTX captures its own work; a recording around one segment of it would record twice.
            if (!segment.CanCapture || (!unit.IsWholeModule && segment.CapturesItself))
            {
                return false;
            }
        }

        return true;
    }
}
