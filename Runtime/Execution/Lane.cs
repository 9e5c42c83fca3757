using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Execution;

/// <summary>One stream with its execution contexts and buffers: what a forward runs on, exclusively until its completion event.</summary>
/// <remarks>
/// Works on tensors in device memory; <see cref="LeasedLane"/> adds tensors in host memory.
/// <b>Owns</b> streams, contexts, arenas and events. <b>Thread</b> its holder's. <b>Blocks</b> only where an output must be measured.
/// </remarks>
internal sealed class Lane : IDisposable
{
    private readonly ModuleGraph _graph;
    private readonly InputCheck _check;
    private readonly DeviceHealth[] _health;
    private readonly LaneDevice[] _devices;
    private readonly SegmentLane[] _segments;
    private readonly TensorMemory _memory;
    private readonly PlanCache _plans = new();
    private readonly TensorShape[] _shapes;
    private readonly DeviceEvent _start;

    public Lane(ModuleGraph graph, InputCheck check, IReadOnlyList<IEngine> engines, LaneDevice[] devices, DeviceHealth[] health)
    {
        _graph = graph;
        _check = check;
        _devices = devices;
        _health = health;
        _shapes = new TensorShape[graph.Inputs.Length];
        _segments = [.. graph.Segments.Select((segment, index) => Wire(segment, engines[index]))];
        _memory = new TensorMemory(graph, devices, [.. _segments.Select(segment => segment.DeviceIndex)]);
        _start = DeviceEvent.Create(Home.Context);
        Done = DeviceEvent.Create(Home.Context, CuEventFlags.Default);
    }

    public LaneDevice Home => _devices[0];

    /// <summary>Where work on the lane's streams leaves failures of the computation.</summary>
    public FailureSlot Failure { get; } = new();

    /// <summary>Recorded behind everything the last forward enqueued.</summary>
    public DeviceEvent Done { get; }

    /// <summary>Forwards launched so far; the next one's number is one more.</summary>
    public long Launched { get; private set; }

    /// <summary>
    /// Runs one forward on tensors in device memory. Returns when it is enqueued; results are valid behind <see cref="Done"/>, and behind the caller's stream.
    /// <list type="number">
    /// <item>check arity, types, devices and shapes of the inputs</item>
    /// <item>find the plan of these shapes, or make it: choose profiles, set shapes, infer output shapes</item>
    /// <item>obtain the outputs' memory</item>
    /// <item>order behind the caller's stream</item>
    /// <item>launch each segment on its device's stream, moving tensors between devices where they are needed</item>
    /// <item>join the devices' streams, mark completion, order the caller's stream behind it</item>
    /// <item>commit: only now is anything remembered</item>
    /// </list>
    /// </summary>
    /// <param name="inputs">In the module's order; they stay valid until the forward is done.</param>
    /// <param name="outputs">Receives the results in the module's order; whoever called owns them.</param>
    /// <exception cref="ForwardException">Refused or failed; the outputs were not obtained, and the next forward is not affected.</exception>
    public void Forward(ReadOnlySpan<DeviceTensor> inputs, Span<DeviceTensor> outputs, ModeSettings settings, CallerStream caller)
    {
        using ContextEntry entry = Home.Context.Enter();
        try
        {
            // 1
            Check(inputs);

            // 2
            Home.Use(caller.RunsOnIt ? caller.Stream : null);
            ForwardPlan plan = PlanFor(settings.Profile);

            // 3
            DeviceStream order = caller.Stream ?? Home.Stream;
            _memory.Begin(plan, inputs, order);

            // 4
            DeviceStream? joined = caller.RunsOnIt ? null : caller.Stream;
            if (joined is not null)
            {
                _start.Record(joined);
                Home.Stream.WaitFor(_start);
            }

            // 5
            LaunchSegments(plan);

            // 6
            JoinDevices();
            if (!caller.RunsOnIt)
            {
                Done.Record(Home.Stream);
            }

            joined?.WaitFor(Done);

            // 7
            _memory.Commit(outputs, order);
            Launched++;
        }
        catch (CudaException trouble)
        {
            Abandon();
            throw _health[0].Explain(trouble);
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    /// <summary>Whether everything enqueued here is done.</summary>
    /// <exception cref="CudaException">The work or the device failed.</exception>
    public bool IsIdle() => Done.IsDone();

    /// <summary>Waits for the work in flight, whatever became of it: the lane is about to be disposed.</summary>
    public void Settle()
    {
        using ContextEntry entry = Home.Context.Enter();
        Home.Context.Record(Home.Context.Driver.EventSynchronize(Done.Handle), nameof(ICudaDriver.EventSynchronize));
    }

    public void Dispose()
    {
        foreach (SegmentLane segment in _segments)
        {
            using ContextEntry entry = segment.Device.Context.Enter();
            segment.Dispose();
        }

        _start.Dispose();
        Done.Dispose();
        foreach (LaneDevice device in _devices)
        {
            device.Dispose();
        }
    }

    private SegmentLane Wire(GraphSegment segment, IEngine engine)
    {
        int device = Array.IndexOf(_graph.RelativeOrdinals, segment.RelativeOrdinal);
        return new SegmentLane(_graph, segment, engine, _devices[device], device, Failure);
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
        if (_plans.TryFind(_shapes, profile, out ForwardPlan? known))
        {
            return known;
        }

        var plan = new ForwardPlan(_graph, _shapes, profile, _devices.Length);
        for (int index = 0; index < _segments.Length; index++)
        {
            if (!InputsKnown(plan, index))
            {
                break;
            }

            SegmentLane segment = _segments[index];
            using ContextEntry entry = segment.Device.Context.Enter();
            plan.Profiles[index] = ProfileSelection.Choose(segment.Engine, profile, segment.ActiveProfile, plan, segment.Wiring);
            segment.Shape(plan, index);
        }

        if (plan.IsComplete)
        {
            _memory.Layout(plan);
            _plans.Add(plan);
        }

        return plan;
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

    private void LaunchSegments(ForwardPlan plan)
    {
        for (int index = 0; index < _segments.Length; index++)
        {
            SegmentLane segment = _segments[index];
            if (ReferenceEquals(segment.Device, Home))
            {
                LaunchSegment(segment, plan, index);
            }
            else
            {
                using ContextEntry entry = segment.Device.Context.Enter();
                LaunchSegment(segment, plan, index);
            }
        }
    }

    private void LaunchSegment(SegmentLane segment, ForwardPlan plan, int index)
    {
        segment.Shape(plan, index);
        _memory.Bring(index, plan);
        segment.Launch(_memory.AllocatorFor(index));
        if (!plan.IsComplete)
        {
            // A measured output may have failed while it ran; nothing behind it has a shape then.
            if (Failure.Take() is { } failed)
            {
                throw failed;
            }
        }
    }

    private void JoinDevices()
    {
        for (int index = 1; index < _devices.Length; index++)
        {
            Home.WaitFor(_devices[index]);
        }
    }

    /// <summary>Gives back what the failed forward had obtained; what it had enqueued still runs, and completion waits for it.</summary>
    private void Abandon()
    {
        _memory.Abandon();
        Home.Use(null);
        JoinIgnoringErrors();
    }

    private void JoinIgnoringErrors()
    {
        ICudaDriver driver = Home.Context.Driver;
        for (int index = 1; index < _devices.Length; index++)
        {
            driver.EventRecord(_devices[index].Order.Handle, _devices[index].Stream.Handle);
            driver.StreamWaitEvent(Home.Stream.Handle, _devices[index].Order.Handle);
        }

        driver.EventRecord(Done.Handle, Home.Stream.Handle);
    }
}
