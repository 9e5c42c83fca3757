using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>One forward on tensors in host memory as its holder sees it: its outputs on their way to the host, when each part of it was
/// done, and how it ended.</summary>
/// <remarks>
/// Outputs are copied on the lane's stream, which is at work until they have left; large ones in memory of their own travel on a stream
/// beside it where the device has copy engines, so that the lane is free as soon as the forward is computed.
/// <b>Owns</b> staging, events, and the device memory of outputs that travel. <b>Thread</b> its holder's. <b>Blocks</b> in
/// <see cref="WaitUntilLeft"/>.
/// </remarks>
internal sealed class HostForward : ISubmission
{
    private readonly Lane _lane;
    private readonly InstanceParts _parts;
    private readonly HostOutputs _outputs;
    private readonly DeviceStream? _beside;
    private readonly DeviceEvent _begun;
    private readonly DeviceEvent _copiedIn;
    private readonly DeviceEvent _computed;
    private readonly DeviceEvent _left;
    private readonly WakeCall _wake = new();
    private readonly List<DeviceBlock> _travelling = [];
    private ForwardException? _failure;
    private bool _travels;
    private bool _hasLeft;
    private volatile bool _isDetached;

    /// <param name="beside">Where outputs may travel beside the lane's stream; null where there is nothing to gain.</param>
    public HostForward(Lane lane, InstanceParts parts, DeviceStream? beside)
    {
        _lane = lane;
        _parts = parts;
        _beside = beside;
        DeviceContext home = lane.Home.Context;
        _outputs = new HostOutputs(parts, home);
        const CuEventFlags timed = CuEventFlags.Default;
        DeviceEvent[] events = DeviceEvent.Create(home, timed, timed, timed, timed);
        (_begun, _copiedIn, _computed, _left) = (events[0], events[1], events[2], events[3]);
    }

    /// <summary>What is known of how it ended.</summary>
    public LaneStatus Status { get; private set; }

    /// <summary>Its computation has ended, well or badly; outputs may still travel.</summary>
    public bool IsComputed { get; private set; }

    /// <summary>It is computed and needs nothing of its lane any more, but is not over.</summary>
    public bool CanDetach => Status == LaneStatus.Pending && IsComputed && _failure is null && _travels && !_hasLeft;

    /// <summary>Nobody holds it and nothing of it is in flight.</summary>
    public bool IsFree => !_isDetached && (!_travels || _hasLeft || _left.Query() == CuResult.Success);

    /// <summary>Whether its staging is much larger than forwards need.</summary>
    public bool IsOversized => _outputs.IsOversized;

    /// <summary>A new forward; nothing of it is enqueued.</summary>
    /// <exception cref="ForwardException">There is no such output.</exception>
    public void Begin(ReadOnlySpan<string> outputs, Action wake)
    {
        _outputs.Select(outputs);
        _wake.Arm(wake);
    }

    /// <summary>It is put on the lane's streams, first or once more.</summary>
    public void Start()
    {
        _failure = null;
        Status = LaneStatus.Pending;
        (IsComputed, _travels, _hasLeft) = (false, false, false);
    }

    /// <inheritdoc cref="HostOutputs.Admit"/>
    public void Admit(ForwardShapes shapes) => _outputs.Admit(shapes);

    /// <inheritdoc cref="HostOutputs.Limit"/>
    public void Limit(Table<TensorIndex, long> mostStringBytes) => _outputs.Limit(mostStringBytes);

    public void MarkBegun(DeviceStream stream) => _begun.Record(stream);

    public void MarkCopiedIn(DeviceStream stream) => _copiedIn.Record(stream);

    /// <summary>Copies what is wanted behind the computation.</summary>
    /// <exception cref="ForwardException">What is wanted is more than comes back to the host, or the host has no staging.</exception>
    public void CopyOut(DeviceStream stream, ForwardFrame frame)
    {
        _computed.Record(stream);
        _outputs.Measure(frame);
        _outputs.MakeRoom();
        if (_beside is null || !_outputs.MayTravel(frame))
        {
            _outputs.CopyOut(stream, frame.Addresses);
            return;
        }

        _beside.WaitFor(_computed);
        _outputs.TakeMemory(frame, _travelling);
        try
        {
            _outputs.CopyOut(_beside, frame.Addresses);
            _left.Record(_beside);
            _travels = true;
            _beside.Call(_wake);
        }
        catch
        {
            Recall(_beside);
            throw;
        }
    }

    /// <summary>Tells its holder, behind everything enqueued so far.</summary>
    public void TellBehind(DeviceStream stream) => stream.Call(_wake);

    /// <summary>How its computation ended.</summary>
    public void EndComputation(ForwardException? failure)
    {
        IsComputed = true;
        _failure = failure;
    }

    /// <summary>It could not be put on the lane's streams once more.</summary>
    public void Fail(ForwardException failure)
    {
        _failure = failure;
        Status = LaneStatus.Failed;
    }

    public LaneStatus Poll(int forward)
    {
        RequireSubmitted(forward);
        if (Status == LaneStatus.Pending && IsComputed && HasLeft())
        {
            Status = _failure is null ? LaneStatus.Succeeded : LaneStatus.Failed;
        }

        return Status;
    }

    public Tensor[] TakeOutputs(int forward, HostMemory? leasesFrom = null)
    {
        RequireSubmitted(forward);
        return Status == LaneStatus.Succeeded
            ? _outputs.ToTensors(leasesFrom)
            : throw new InvalidOperationException("There are no outputs: the submission has not succeeded.");
    }

    public ForwardException FailureOf(int forward)
    {
        RequireSubmitted(forward);
        return _failure ?? throw new InvalidOperationException("The forward has not failed.");
    }

    public (long Input, long Infer, long Output) TimesOf(int forward)
    {
        RequireSubmitted(forward);
        if (Status != LaneStatus.Succeeded)
        {
            return default;
        }

        try
        {
            DeviceEvent end = _travels ? _left : _lane.Done;
            return (Nanoseconds(_begun, _copiedIn), Nanoseconds(_copiedIn, _computed), Nanoseconds(_computed, end));
        }
        catch (CudaException)
        {
            // The device failed since then: the outputs are right all the same.
            return default;
        }
    }

    /// <summary>Goes on without its lane, until disposed.</summary>
    public void Detach() => _isDetached = true;

    /// <summary>It is detached, and its holder is done with it, whatever is still in flight.</summary>
    public void Dispose()
    {
        _outputs.Forget();
        ReturnTravelling(_beside);
        _isDetached = false;
    }

    /// <summary>It is on its lane, and its holder is done with it: what is in flight keeps the lane at work.</summary>
    public void Abandon()
    {
        _outputs.Forget();
        if (_travelling.Count > 0)
        {
            KeepLaneBusy();
            ReturnTravelling(_lane.Home.Own);
        }
    }

    /// <summary>Waits until no output travels, whatever became of it.</summary>
    public void WaitUntilLeft()
    {
        if (_travels && !_hasLeft)
        {
            DeviceContext home = _lane.Home.Context;
            home.Record(home.Driver.EventSynchronize(_left.Handle), nameof(ICudaDriver.EventSynchronize));
        }
    }

    /// <summary>Gives staging back that forwards do not need; the last one is over.</summary>
    public void Trim() => _outputs.Trim();

    /// <summary>Frees everything, once nothing travels.</summary>
    public void Destroy()
    {
        WaitUntilLeft();
        ReturnTravelling(_beside);
        _outputs.Dispose();
        _begun.Dispose();
        _copiedIn.Dispose();
        _computed.Dispose();
        _left.Dispose();
        _wake.Dispose();
    }

    /// <summary>Not all of it could be enqueued: what was keeps the lane at work, and the memory comes back behind it.</summary>
    private void Recall(DeviceStream beside)
    {
        _left.Context.Record(_left.Context.Driver.EventRecord(_left.Handle, beside.Handle), nameof(ICudaDriver.EventRecord));
        KeepLaneBusy();
        ReturnTravelling(beside);
        _travels = false;
    }

    private void KeepLaneBusy()
    {
        try
        {
            _lane.StayBusyUntil(_left);
        }
        catch (CudaException trouble)
        {
            // The device failed, and whoever leases next is told.
            _parts.Health.Explain(trouble);
        }
    }

    private bool HasLeft()
    {
        if (!_travels || _hasLeft)
        {
            return true;
        }

        CuResult reached = _left.Query();
        if (reached == CuResult.NotReady)
        {
            return false;
        }

        if (reached != CuResult.Success)
        {
            _failure ??= _parts.Health.Explain(new CudaException(reached, "copies to the host"));
        }

        _hasLeft = true;
        ReturnTravelling(_beside);
        return true;
    }

    /// <param name="last">The stream of the last use, where that may still be in flight.</param>
    private void ReturnTravelling(DeviceStream? last)
    {
        foreach (DeviceBlock block in _travelling)
        {
            block.Stream = _hasLeft ? null : last;
            block.Return(block.Generation);
        }

        _travelling.Clear();
    }

    private static void RequireSubmitted(int forward) => ArgumentOutOfRangeException.ThrowIfNotEqual(forward, 0);

    private static long Nanoseconds(DeviceEvent start, DeviceEvent end) => (long)end.Since(start).TotalNanoseconds;
}
