using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Graphs;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>One stream with its execution contexts and buffers: what a forward on tensors in device memory runs on, exclusively until its
/// completion event, behind which nothing of the lane's is in use.</summary>
/// <remarks>
/// The device-facing side of a lane; <see cref="HostLane"/> adds tensors in host memory. What changes from one forward to the next stands
/// in its <see cref="ForwardFrame"/>. It is long because the steps of a forward, of its warm-up and of its failure are read together.
/// <b>Owns</b> streams, contexts, arenas, graphs, pre-allocated outputs and events. <b>Thread</b> its holder's. <b>Blocks</b> only where an
/// output must be measured.
/// </remarks>
internal sealed class Lane : IDisposable
{
    private readonly InstanceParts _parts;
    private readonly Table<DeviceIndex, LaneDevice> _devices;
    private readonly Table<SegmentIndex, BoundSegment> _segments;
    private readonly Planner _planner;
    private readonly ForwardFrame _frame;
    private readonly TensorMemory _memory;
    private readonly LaneGraphs _graphs;
    private readonly LaneCompletion _completion;
    private readonly ProfileWriter _profiles;

    /// <param name="devices">Home first; the lane owns them.</param>
    public Lane(InstanceParts parts, LaneDevice[] devices)
    {
        _parts = parts;
        _devices = new(devices);
        _segments = new([
            .. parts.Graph.Segments.Items.Select(
                (wiring, index) =>
                    new BoundSegment(
                        parts,
                        SegmentIndex.Of(index),
                        _devices[parts.Layout.DeviceOf(SegmentIndex.Of(index))],
                        Failure,
                        new SegmentProfile(wiring.Name),
                        keepsWorkspace: false
                    )
            ),
        ]);
        _planner = new Planner(parts, _segments);
        _frame = new ForwardFrame(parts.Layout);
        _memory = new TensorMemory(parts, _devices, _frame);
        _graphs = new LaneGraphs(parts, _devices, _segments);
        _profiles = new ProfileWriter(parts.Settings, _segments);
        _completion = new LaneCompletion(_devices);
    }

    public LaneDevice Home => _devices[DeviceIndex.Home];

    /// <summary>Where work on the lane's streams leaves failures of the computation.</summary>
    public FailureSlot Failure { get; } = new();

    /// <summary>Recorded behind everything the last forward enqueued.</summary>
    public DeviceEvent Done => _completion.Done;

    /// <summary>Graphs recorded and kept.</summary>
    public int Graphs => _graphs.Count;

    /// <summary>Forwards whose profile could not be written.</summary>
    public long UnwrittenProfiles => _profiles.Unwritten;

    /// <summary>Blocks that pre-allocated outputs keep.</summary>
    public int KeptOutputs => _memory.PreAllocated.Count;

    /// <summary>
    /// Runs one forward on tensors in device memory. Returns when it is enqueued; results are valid behind <see cref="Done"/>, and behind
    /// the caller's stream.
    /// <list type="number">
    /// <item>check arity, types and shapes of the inputs</item>
    /// <item>find the plan of these shapes, or make it: choose profiles, set shapes, infer output shapes; refuse outputs that would
    /// not come back</item>
    /// <item>find out where tensors lie: those that come from the host or go there, where a recording that is kept reads and writes them,
    /// else inputs in blocks of the lane's; the other outputs in fresh memory, in the pre-allocated set, or left to the output
    /// allocator</item>
    /// <item>order behind the caller's stream, then bring the inputs there, which takes copies where they are on the host, unaligned or on
    /// another device</item>
    /// <item>launch: by the whole module's graph, or segment by segment, each by its graph or plainly; recording what is not recorded
    /// yet</item>
    /// <item>join the devices' streams, copy to the host what is wanted there, mark completion, order the caller's stream behind
    /// it</item>
    /// <item>commit: only now outputs are handed over and sets renewed</item>
    /// </list>
    /// </summary>
    /// <param name="inputs">In the module's order; they stay valid until the forward is done.</param>
    /// <param name="outputs">Receives the results in the module's order; whoever called owns them.</param>
    /// <exception cref="ForwardException">Refused or failed; the outputs were not obtained, and the next forward is not
    /// affected.</exception>
    public void Forward(ReadOnlySpan<DeviceTensor> inputs, Span<DeviceTensor> outputs, ModeSettings settings, CallerStream caller) =>
        Forward(inputs, outputs, settings, caller, host: null);

    /// <summary>The same on tensors in host memory: outputs are in its staging behind <see cref="Done"/>, unless they travel beside the
    /// lane's streams.</summary>
    /// <inheritdoc cref="Forward(ReadOnlySpan{DeviceTensor}, Span{DeviceTensor}, ModeSettings, CallerStream)" path="/exception"/>
    public void Forward(HostSide host, ModeSettings settings) => Forward([], [], settings, CallerStream.None, host);

    private void Forward(
        ReadOnlySpan<DeviceTensor> inputs,
        Span<DeviceTensor> outputs,
        ModeSettings settings,
        CallerStream caller,
        HostSide? host
    )
    {
        using ContextEntry entry = Home.Context.Enter();
        CountSwitch(entry);
        try
        {
            _graphs.EvictUnproven();

            // 1
            Check(inputs, host);

            // 2
            Home.RunOn(caller.RunsOn);
            CudaGraphsMode graphs = _parts.Traits.Graphs(settings.CudaGraphs);
            ForwardShapes shapes = _planner.ShapesOf(inputs, host?.Inputs, _frame.InputShapes, settings.Profile, out ForwardPlan? plan);
            host?.Forward.Admit(shapes);

            // 3
            DeviceStream order = caller.Stream ?? Home.Stream;
            _frame.Begin(shapes, plan, settings);
            Place(host, graphs);
            _memory.Begin(order);

            // 4
            _completion.Begin(caller);
            _memory.Accept(inputs);
            host?.CopyIn(Home.Stream, _frame);
            _memory.Overwrite();

            // 5
            if (graphs != CudaGraphsMode.WholeModule || !_graphs.TryReplay(_parts.Layout.Whole, shapes, _frame.Addresses))
            {
                LaunchSegments(shapes, byGraph: graphs == CudaGraphsMode.PerSegment);
            }

            // 6
            _completion.Join();
            host?.Forward.CopyOut(Home.Stream, _frame);
            _completion.Mark(caller);

            // 7
            _memory.Commit(outputs, order);
            _planner.KeepProfiles(shapes);
            _parts.Counters.CountForward();
            host?.Forward.TellBehind(Home.Stream);
        }
        catch (CudaException trouble)
        {
            Abandon(caller);
            throw _parts.Health.Explain(trouble);
        }
        catch
        {
            Abandon(caller);
            throw;
        }
    }

    /// <summary>
    /// Runs the warm-ups of the graphs that these settings ask for, on the lane's own streams, where that needs no call: every input has a
    /// fixed shape, and none is written in place or read for its values. What cannot be warmed up is left to the first call.
    /// </summary>
    /// <remarks>The lane is idle. <b>Blocks</b> until the warm-ups are done, so that a failure of theirs is no forward's.</remarks>
    public void WarmUp(ModeSettings settings)
    {
        CudaGraphsMode graphs = _parts.Traits.Graphs(settings.CudaGraphs);
        if (graphs == CudaGraphsMode.Off || _parts.Layout.FixedInputs is not { } inputs)
        {
            return;
        }

        using ContextEntry entry = Home.Context.Enter();
        Home.RunOn(null);
        Failure.Remove();
        try
        {
            ForwardShapes shapes = _planner.ShapesOf([], null, inputs, settings.Profile, out _);
            foreach (LaunchUnit unit in graphs == CudaGraphsMode.WholeModule ? [_parts.Layout.Whole] : _parts.Layout.Single.Items)
            {
                _graphs.WarmUp(unit, shapes);
            }

            _completion.Join();
            _completion.Mark(CallerStream.None);
            Done.Synchronize();
        }
        catch (Exception trouble) when (trouble is ForwardException or CudaException)
        {
            // Nobody has asked for a result yet; whoever does meets the trouble, if it is still there.
        }

        if (Failure.Remove() is not null)
        {
            _graphs.EvictWarm();
        }
    }

    /// <summary>Whether everything enqueued here is done.</summary>
    /// <exception cref="CudaException">The work or the device failed.</exception>
    public bool IsIdle() => _completion.IsIdle();

    /// <summary>Waits for the work in flight, whatever became of it.</summary>
    public void WaitUntilIdle() => _completion.WaitUntilIdle();

    /// <summary>Work beside the lane's streams, which this event is recorded behind, keeps it from being idle.</summary>
    public void StayBusyUntil(DeviceEvent @event)
    {
        using ContextEntry entry = Home.Context.Enter();
        Home.Own.WaitFor(@event);
        Done.Record(Home.Own);
    }

    /// <summary>Tells the lane how its last forward ended, once it is done: a failure drops what was recorded since the last
    /// success.</summary>
    public void Completed(bool succeeded)
    {
        if (succeeded)
        {
            _profiles.Write(withDevice: _frame.Settings.MultiDeviceSafe);
            _graphs.Prove();
        }
        else
        {
            _graphs.Doubt();
        }
    }

    /// <summary>Frees graphs and output sets that no mode holds. The lane is idle.</summary>
    public void FreeAllBut(HeldModes held)
    {
        _graphs.EvictAllBut(held);
        if (!held.PreAllocatedOutputs)
        {
            _memory.PreAllocated.Clear();
        }
    }

    /// <summary>Gives back what is kept on its devices for the next forward, and what of graphs and output sets no mode holds. The lane is
    /// idle.</summary>
    /// <param name="held">What modes hold; null where that is not known.</param>
    public void GiveBackMemory(HeldModes? held)
    {
        if (held is { } modes)
        {
            FreeAllBut(modes);
        }

        foreach (BoundSegment segment in _segments.Items)
        {
            using ContextEntry entry = segment.Device.Context.Enter();
            segment.GiveBackMemory();
        }

        foreach (LaneDevice device in _devices.Items)
        {
            device.Arena.Dispose();
        }
    }

    /// <summary>Drops contexts, plans and graphs, because an engine's settings are about to change. The lane is idle.</summary>
    public void DropContexts()
    {
        _graphs.Clear();
        _planner.Clear();
        foreach (BoundSegment segment in _segments.Items)
        {
            using ContextEntry entry = segment.Device.Context.Enter();
            segment.Dispose();
        }
    }

    public void Dispose()
    {
        DropContexts();
        _memory.PreAllocated.Clear();
        _completion.Dispose();
        foreach (LaneDevice device in _devices.Items)
        {
            device.Dispose();
        }
    }

    private void Check(ReadOnlySpan<DeviceTensor> inputs, HostSide? host)
    {
        if (host is not { } side)
        {
            _parts.Check.All(inputs, _frame.InputShapes);
            return;
        }

        // Each was checked when it was matched with its name.
        side.Inputs.Shapes.CopyTo(_frame.InputShapes);
        _parts.Check.Symbols(_frame.InputShapes);
    }

    /// <summary>Inputs that are written in place first: recordings are found by their addresses.</summary>
    private void Place(HostSide? host, CudaGraphsMode graphs)
    {
        if (host is { } side)
        {
            side.Inputs.Place(_frame.Addresses.On(DeviceIndex.Home), aliased: true);
            _graphs.Claim(graphs, _frame.Shapes, _frame.Addresses, withOutputs: !_frame.Settings.PreAllocatedOutputs);
            side.Inputs.Place(_frame.Addresses.On(DeviceIndex.Home), aliased: false);
        }
    }

    private void LaunchSegments(ForwardShapes shapes, bool byGraph)
    {
        foreach (BoundSegment segment in _segments.Items)
        {
            if (ReferenceEquals(segment.Device, Home))
            {
                LaunchSegment(segment, shapes, byGraph);
            }
            else
            {
                using ContextEntry entry = segment.Device.Context.Enter();
                CountSwitch(entry);
                LaunchSegment(segment, shapes, byGraph);
            }
        }
    }

    private void LaunchSegment(BoundSegment segment, ForwardShapes shapes, bool byGraph)
    {
        _memory.Bring(segment);
        if (byGraph && _graphs.TryReplay(_parts.Layout.Single[segment.Index], shapes, _frame.Addresses))
        {
            return;
        }

        Table<TensorIndex, DevicePointer> addresses = _frame.Addresses.On(_parts.Layout.DeviceOf(segment.Index));
        if (shapes.IsComplete)
        {
            segment.BringTo(shapes);
            segment.Launch(addresses, _frame.Strings, _frame.MostStringBytes, segment.Device.Stream, _memory.AllocatorFor(segment.Index));
            return;
        }

        // Shapes come to light as segments run; a failure on the way leaves those behind it without any.
        _planner.BringTo(segment, shapes);
        _memory.Bring(segment);
        segment.Launch(addresses, _frame.Strings, _frame.MostStringBytes, segment.Device.Stream, _memory.AllocatorFor(segment.Index));
        if (Failure.Remove() is { } failed)
        {
            throw failed;
        }
    }

    private void CountSwitch(in ContextEntry entry)
    {
        if (entry.IsSwitch)
        {
            _parts.Counters.CountDeviceSwitch();
        }
    }

    /// <summary>Gives back what the failed forward had obtained; what it had enqueued still runs.</summary>
    private void Abandon(CallerStream caller)
    {
        _graphs.Doubt();

        // First, so that what one device reads of another's is behind the streams that the blocks come back on.
        _completion.EndFailed(caller);
        _frame.End();
        Home.RunOn(null);
    }
}
