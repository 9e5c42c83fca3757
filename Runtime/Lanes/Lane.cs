using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Graphs;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>One stream with its execution contexts and buffers: what a forward runs on, exclusively until its completion event.</summary>
/// <remarks>
/// Works on tensors in device memory; <see cref="LeasedLane"/> adds tensors in host memory. Long, because the steps of a forward, its
/// failure and its end share this state and are read together.
/// <b>Owns</b> streams, contexts, arenas, graphs, pre-allocated outputs and events. <b>Thread</b> its holder's. <b>Blocks</b> only where an
/// output must be measured.
/// </remarks>
internal sealed class Lane : IDisposable
{
    private readonly ModuleGraph _graph;
    private readonly InputCheck _check;
    private readonly ModuleTraits _traits;
    private readonly InstanceCounters _counters;
    private readonly DeviceHealth[] _health;
    private readonly IReadOnlyList<IEngine> _engines;
    private readonly InstanceSettings _settings;
    private readonly LaneDevice[] _devices;
    private readonly SegmentLane[] _segments;
    private readonly SegmentProfile[] _profiles;
    private readonly TensorMemory _memory;
    private readonly PlanCache _plans = new();
    private readonly GraphCache _graphs;
    private readonly GraphUnit _wholeModule;
    private readonly GraphUnit[] _perSegment;
    private readonly GraphEntryFactory _makeEntry;
    private readonly Func<GraphUnit, ForwardPlan, bool> _canRecord;
    private readonly ShapeTensors _shapeTensors;
    private readonly TensorShape[] _shapes;

    /// <summary>By segment: the profile of its last forward that succeeded, which an automatic choice keeps while it fits.</summary>
    private readonly int[] _activeProfiles;
    private readonly DeviceEvent _start;
    private bool _evictUnproven;
    private bool _checksDevices;

    public Lane(
        ModuleGraph graph,
        InputCheck check,
        ModuleTraits traits,
        InstanceCounters counters,
        IReadOnlyList<IEngine> engines,
        InstanceSettings settings,
        LaneDevice[] devices,
        DeviceHealth[] health
    )
    {
        _graph = graph;
        _check = check;
        _traits = traits;
        _counters = counters;
        _engines = engines;
        _settings = settings;
        _devices = devices;
        _health = health;
        _shapes = new TensorShape[graph.Inputs.Length];
        _activeProfiles = new int[graph.Segments.Length];
        _shapeTensors = new ShapeTensors(graph);
        _profiles = [.. graph.Segments.Select(segment => new SegmentProfile(segment.Name))];
        _segments = [.. Enumerable.Range(0, graph.Segments.Length).Select(segment => MakeSegment(segment, isRecorded: false))];
        _memory = new TensorMemory(graph, devices, [.. _segments.Select(segment => segment.DeviceIndex)], counters);
        _graphs = new GraphCache(counters, Math.Max(GraphCache.DefaultCapacity, 2 * graph.Segments.Length));
        _wholeModule = GraphUnit.OfModule(graph);
        _perSegment = [.. _segments.Select((segment, index) => GraphUnit.OfSegment(graph, index, segment.DeviceIndex))];
        _makeEntry = MakeEntry;
        _canRecord = CanRecord;
        _start = DeviceEvent.Create(Home.Context);
        Done = DeviceEvent.Create(Home.Context, CuEventFlags.Default);
    }

    public LaneDevice Home => _devices[0];

    /// <summary>Where work on the lane's streams leaves failures of the computation.</summary>
    public FailureSlot Failure { get; } = new();

    /// <summary>Recorded behind everything the last forward enqueued.</summary>
    public DeviceEvent Done { get; }

    /// <summary>A caller's stream the last forward ran on, without an event behind it; null when <see cref="Done"/> covers
    /// everything.</summary>
    public DeviceStream? RanOn { get; private set; }

    /// <summary>Graphs recorded and kept.</summary>
    public int Graphs => _graphs.Count;

    /// <summary>Forwards whose profile could not be written.</summary>
    public long UnwrittenProfiles { get; private set; }

    /// <summary>Blocks that pre-allocated outputs keep.</summary>
    public int KeptOutputs => _memory.PreAllocated.Count;

    /// <summary>
    /// Runs one forward on tensors in device memory. Returns when it is enqueued; results are valid behind <see cref="Done"/>, and behind
    /// the caller's stream.
    /// <list type="number">
    /// <item>check arity, types and shapes of the inputs</item>
    /// <item>find the plan of these shapes, or make it: choose profiles, set shapes, infer output shapes</item>
    /// <item>obtain the outputs' memory: fresh, from the pre-allocated set, or left to the output allocator</item>
    /// <item>order behind the caller's stream, then place the inputs, which may take copies</item>
    /// <item>launch: by the whole module's graph, or segment by segment, each by its graph or plainly; recording what is not recorded
    /// yet</item>
    /// <item>join the devices' streams, mark completion, order the caller's stream behind it</item>
    /// <item>commit: only now outputs are handed over and sets renewed</item>
    /// </list>
    /// </summary>
    /// <param name="inputs">In the module's order; they stay valid until the forward is done.</param>
    /// <param name="outputs">Receives the results in the module's order; whoever called owns them.</param>
    /// <exception cref="ForwardException">Refused or failed; the outputs were not obtained, and the next forward is not
    /// affected.</exception>
    public void Forward(ReadOnlySpan<DeviceTensor> inputs, Span<DeviceTensor> outputs, ModeSettings settings, CallerStream caller)
    {
        using ContextEntry entry = Home.Context.Enter();
        CountSwitch(entry);
        try
        {
            EvictUnproven();

            // 1
            Check(inputs);

            // 2
            Home.Use(caller.RunsOnIt ? caller.Stream : null);
            CudaGraphsMode graphs = _traits.Graphs(settings.CudaGraphs);
            _shapeTensors.Read(inputs);
            ForwardPlan plan = PlanFor(settings.Profile);

            // 3
            DeviceStream order = caller.Stream ?? Home.Stream;
            _checksDevices = settings.MultiDeviceSafe;
            _memory.Begin(plan, settings, order);

            // 4
            DeviceStream? joined = caller.RunsOnIt ? null : caller.Stream;
            if (joined is not null)
            {
                _start.Record(joined);
                Home.Stream.WaitFor(_start);
            }

            _memory.Accept(inputs);

            // 5
            if (graphs != CudaGraphsMode.WholeModule || !TryReplay(_wholeModule, plan))
            {
                LaunchSegments(plan, byGraph: graphs == CudaGraphsMode.PerSegment);
            }

            // 6
            JoinDevices();
            RanOn = caller.RunsOnIt ? caller.Stream : null;
            if (RanOn is null)
            {
                Done.Record(Home.Stream);
            }

            joined?.WaitFor(Done);

            // 7
            _memory.Commit(outputs, order);
            plan.Profiles.CopyTo(_activeProfiles);
            _counters.CountForward();
        }
        catch (CudaException trouble)
        {
            Abandon(caller);
            throw _health[0].Explain(trouble);
        }
        catch
        {
            Abandon(caller);
            throw;
        }
    }

    /// <summary>
    /// Runs the warm-ups of the graphs that these settings ask for, on the lane's own streams, where that needs no call: every input has a
    /// fixed shape, and none is
    /// written in place or read for its values. What cannot be warmed up is left to the first call.
    /// </summary>
    /// <remarks>The lane is idle. <b>Blocks</b> until the warm-ups are done, so that a failure of theirs is no forward's.</remarks>
    public void WarmUp(ModeSettings settings)
    {
        CudaGraphsMode graphs = _traits.Graphs(settings.CudaGraphs);
        if (
            graphs == CudaGraphsMode.Off
            || !_graph.Inputs.All(input => _graph.Tensors[input] is { Shape.IsConcrete: true, IsAliased: false, IsShapeTensor: false })
        )
        {
            return;
        }

        using ContextEntry entry = Home.Context.Enter();
        Home.Use(null);
        Failure.Take();
        try
        {
            _shapeTensors.Read([]);
            for (int index = 0; index < _shapes.Length; index++)
            {
                _shapes[index] = _graph.Tensors[_graph.Inputs[index]].Shape;
            }

            ForwardPlan plan = PlanFor(settings.Profile);
            foreach (GraphUnit unit in graphs == CudaGraphsMode.WholeModule ? [_wholeModule] : _perSegment)
            {
                if (plan.IsComplete && CanRecord(unit, plan))
                {
                    using ContextEntry there = _devices[unit.Device].Context.Enter();
                    _graphs.WarmUp(unit, plan, new DevicePointer[_graph.Tensors.Length], _makeEntry);
                }
            }

            JoinDevices();
            Done.Record(Home.Stream);
            Done.Synchronize();
        }
        catch (Exception trouble) when (trouble is ForwardException or CudaException)
        {
            // Nobody has asked for a result yet; whoever does meets the trouble, if it is still there.
        }

        if (Failure.Take() is not null)
        {
            _graphs.EvictWarm();
        }
    }

    /// <summary>Whether everything enqueued here is done.</summary>
    /// <exception cref="CudaException">The work or the device failed.</exception>
    public bool IsIdle()
    {
        if (RanOn is { } stream)
        {
            if (stream.IsDisposed)
            {
                // Work may still run on a stream that is gone; nothing but its device context can say when it is done, and that not while a
                // lane records.
                CuResult settled = Home.Context.TrySynchronize();
                if (settled == CuResult.StreamCaptureUnsupported)
                {
                    return false;
                }

                settled.ThrowIfFailed();
            }
            else
            {
                Done.Record(stream);
            }

            RanOn = null;
        }

        return Done.IsDone();
    }

    /// <summary>Tells the lane how its last forward ended, once it is done: a failure drops what was recorded since the last
    /// success.</summary>
    public void Completed(bool succeeded)
    {
        if (succeeded && _settings.Profiling != ProfilingFormat.Off)
        {
            WriteProfiles();
        }

        if (!succeeded)
        {
            _evictUnproven = true;
        }
        else if (!_evictUnproven)
        {
            _graphs.Prove();
        }
    }

    /// <summary>After a failure: what was recorded since the last success is not used again. Done before the next forward, when the lane is
    /// idle.</summary>
    private void EvictUnproven()
    {
        if (_evictUnproven)
        {
            _evictUnproven = false;
            _graphs.EvictUnproven();
        }
    }

    /// <summary>Frees graphs and output sets that no mode holds. The lane is idle.</summary>
    public void Release(HeldModes held)
    {
        if (!held.SegmentGraphs)
        {
            _graphs.Evict(wholeModule: false);
        }

        if (!held.ModuleGraphs)
        {
            _graphs.Evict(wholeModule: true);
        }

        if (!held.PreAllocatedOutputs)
        {
            _memory.PreAllocated.Release();
        }
    }

    /// <summary>Drops contexts, plans and graphs, because an engine's settings are about to change. The lane is idle.</summary>
    public void DropContexts()
    {
        _graphs.Clear();
        _plans.Clear();
        foreach (SegmentLane segment in _segments)
        {
            using ContextEntry entry = segment.Device.Context.Enter();
            segment.Dispose();
        }
    }

    /// <summary>Waits for the work in flight, whatever became of it: the lane is about to be disposed.</summary>
    public void Settle()
    {
        using ContextEntry entry = Home.Context.Enter();
        ICudaDriver driver = Home.Context.Driver;
        Home.Context.Record(driver.EventSynchronize(Done.Handle), nameof(ICudaDriver.EventSynchronize));
        if (RanOn is { IsDisposed: false } stream)
        {
            Home.Context.Record(driver.StreamSynchronize(stream.Handle), nameof(ICudaDriver.StreamSynchronize));
        }
        else if (RanOn is not null)
        {
            CuResult settled;
            while ((settled = driver.CtxSynchronize()) == CuResult.StreamCaptureUnsupported)
            {
                // Another lane records, which takes no longer than a launch of its segments.
                Thread.Yield();
            }

            Home.Context.Record(settled, nameof(ICudaDriver.CtxSynchronize));
        }
    }

    public void Dispose()
    {
        DropContexts();
        _memory.PreAllocated.Release();
        _start.Dispose();
        Done.Dispose();
        foreach (LaneDevice device in _devices)
        {
            device.Dispose();
        }
    }

    private SegmentLane MakeSegment(int segment, bool isRecorded)
    {
        GraphSegment wiring = _graph.Segments[segment];
        int device = Array.IndexOf(_graph.RelativeOrdinals, wiring.RelativeOrdinal);
        return new SegmentLane(
            _graph,
            wiring,
            _engines[segment],
            _devices[device],
            device,
            Failure,
            _settings,
            _counters,
            _profiles[segment],
            isRecorded
        );
    }

    private GraphEntry MakeEntry(GraphUnit unit, ForwardPlan plan, ReadOnlySpan<DevicePointer> given) =>
        new(
            _graph,
            unit,
            plan,
            _devices,
            [.. Enumerable.Range(unit.First, unit.Count).Select(segment => MakeSegment(segment, isRecorded: true))],
            given
        );

    private void WriteProfiles()
    {
        try
        {
            for (int index = 0; index < _segments.Length; index++)
            {
                ProfileFiles.Write(
                    _settings.ProfileFolder,
                    _settings.Profiling,
                    _profiles[index],
                    _segments[index].Engine.LayerInformation,
                    _checksDevices
                );
            }
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            // The forward itself is done and right; another lane may be writing the same files, or the folder is gone.
            UnwrittenProfiles++;
        }
    }

    private void Check(ReadOnlySpan<DeviceTensor> inputs)
    {
        _check.Arity(inputs.Length);
        for (int index = 0; index < inputs.Length; index++)
        {
            ref readonly DeviceTensor input = ref inputs[index];
            ObjectDisposedException.ThrowIf(input.IsStale, typeof(DeviceTensor));
            _check.Type(index, input.Type);
            _check.Shape(index, input.Shape);
            _shapes[index] = input.Shape;
        }

        _check.Symbols(_shapes);
    }

    private ForwardPlan PlanFor(ProfileChoice profile)
    {
        int active = profile.IsAuto ? ActiveProfiles() : 0;
        if (_plans.TryFind(_shapes, _shapeTensors.Values, profile, active, out ForwardPlan? known))
        {
            return known;
        }

        var plan = new ForwardPlan(_graph, _shapes, _shapeTensors.Values, profile, active, _devices.Length);
        for (int index = 0; index < _segments.Length && InputsKnown(plan, index); index++)
        {
            ShapeSegment(plan, index);
        }

        if (plan.IsComplete)
        {
            _memory.Layout(plan);
            _plans.Add(plan);
        }

        return plan;
    }

    private void ShapeSegment(ForwardPlan plan, int index)
    {
        SegmentLane segment = _segments[index];
        using ContextEntry entry = segment.Device.Context.Enter();
        plan.Profiles[index] = ProfileSelection.Choose(segment.Engine, plan.Profile, _activeProfiles[index], plan, _graph, segment.Wiring);
        segment.Shape(plan, index);
    }

    private int ActiveProfiles()
    {
        int active = 0;
        foreach (int profile in _activeProfiles)
        {
            active = (active * 31) + profile;
        }

        return active;
    }

    private bool InputsKnown(ForwardPlan plan, int segment)
    {
        foreach (int tensor in _segments[segment].Wiring.Inputs)
        {
            if (!plan.Known[tensor])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Runs a unit by its graph; false when it has to run plainly.</summary>
    private bool TryReplay(GraphUnit unit, ForwardPlan plan)
    {
        if (!plan.IsComplete)
        {
            return false;
        }

        LaneDevice device = _devices[unit.Device];
        GraphEntry? entry = _graphs.Obtain(unit, plan, device.Stream, device.Addresses, _canRecord, _makeEntry);
        if (entry is null)
        {
            return false;
        }

        entry.Replay(device.Stream, device.Addresses, _devices);
        _counters.CountReplay();
        return true;
    }

    /// <summary>Asks contexts that were brought to the plan: what they were left with by a forward before, a failed one perhaps, says
    /// nothing about it.</summary>
    private bool CanRecord(GraphUnit unit, ForwardPlan plan)
    {
        for (int index = unit.First; index < unit.First + unit.Count; index++)
        {
            using ContextEntry entry = _segments[index].Device.Context.Enter();
            _segments[index].Shape(plan, index);
            // An engine of TensorRT-RTX captures its own work; a recording around one segment of it would record twice.
            if (!_segments[index].CanCapture || (!unit.IsWholeModule && _segments[index].CapturesItself))
            {
                return false;
            }
        }

        return true;
    }

    private void LaunchSegments(ForwardPlan plan, bool byGraph)
    {
        for (int index = 0; index < _segments.Length; index++)
        {
            if (ReferenceEquals(_segments[index].Device, Home))
            {
                LaunchSegment(index, plan, byGraph);
            }
            else
            {
                using ContextEntry entry = _segments[index].Device.Context.Enter();
                CountSwitch(entry);
                LaunchSegment(index, plan, byGraph);
            }
        }
    }

    private void LaunchSegment(int index, ForwardPlan plan, bool byGraph)
    {
        _memory.Bring(index, plan);
        if (byGraph && TryReplay(_perSegment[index], plan))
        {
            return;
        }

        SegmentLane segment = _segments[index];
        if (plan.IsComplete)
        {
            segment.Shape(plan, index);
            segment.Launch(segment.Device.Addresses, segment.Device.Stream, _memory.AllocatorFor(index));
            return;
        }

        // Shapes come to light as segments run; a failure on the way leaves those behind it without any.
        ShapeSegment(plan, index);
        _memory.Bring(index, plan);
        segment.Launch(segment.Device.Addresses, segment.Device.Stream, _memory.AllocatorFor(index));
        if (Failure.Take() is { } failed)
        {
            throw failed;
        }
    }

    private void CountSwitch(in ContextEntry entry)
    {
        if (entry.IsSwitch)
        {
            _counters.CountDeviceSwitch();
        }
    }

    private void JoinDevices()
    {
        for (int index = 1; index < _devices.Length; index++)
        {
            Home.WaitFor(_devices[index]);
        }

        // What the home device read of theirs is behind their own streams too: their memory is lent anew in that order.
        for (int index = 1; index < _devices.Length; index++)
        {
            _devices[index].WaitFor(Home);
        }
    }

    /// <summary>Gives back what the failed forward had obtained; what it had enqueued still runs: completion waits for it, and so does
    /// whatever the caller enqueues next.</summary>
    private void Abandon(CallerStream caller)
    {
        _memory.Abandon();
        _evictUnproven = true;
        ICudaDriver driver = Home.Context.Driver;
        for (int index = 1; index < _devices.Length; index++)
        {
            driver.EventRecord(_devices[index].Order.Handle, _devices[index].Stream.Handle);
            driver.StreamWaitEvent(Home.Stream.Handle, _devices[index].Order.Handle);
        }

        driver.EventRecord(Done.Handle, Home.Stream.Handle);
        for (int index = 1; index < _devices.Length; index++)
        {
            driver.StreamWaitEvent(_devices[index].Stream.Handle, Done.Handle);
        }

        if (caller is { RunsOnIt: false, Stream: { IsDisposed: false } joined })
        {
            driver.StreamWaitEvent(joined.Handle, Done.Handle);
        }

        Home.Use(null);
    }
}
