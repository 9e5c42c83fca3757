using Troupe.Runtime.Cuda;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>Orders a lane's forward against its caller's stream and the streams of its devices, and tells when everything of it is
/// done.</summary>
/// <remarks><b>Owns</b> two events. <b>Thread</b> the lane's holder; waiting: who took the lane. <b>Blocks</b> in
/// <see cref="WaitUntilIdle"/>.</remarks>
internal sealed class LaneCompletion : IDisposable
{
    private readonly Table<DeviceIndex, LaneDevice> _devices;
    private readonly DeviceEvent _start;

    /// <summary>A caller's stream the last forward ran on, without an event behind it; null when <see cref="Done"/> covers
    /// everything.</summary>
    private DeviceStream? _ranOn;

    public LaneCompletion(Table<DeviceIndex, LaneDevice> devices)
    {
        _devices = devices;
        DeviceEvent[] events = DeviceEvent.Create(Home.Context, CuEventFlags.DisableTiming, CuEventFlags.Default);
        (_start, Done) = (events[0], events[1]);
    }

    /// <summary>Recorded behind everything the last forward enqueued, unless that ran on its caller's stream.</summary>
    public DeviceEvent Done { get; }

    private LaneDevice Home => _devices[DeviceIndex.Home];

    /// <summary>Everything enqueued from now on comes behind what the caller has enqueued.</summary>
    public void Begin(CallerStream caller)
    {
        if (caller.OrderedWith is { } stream)
        {
            _start.Record(stream);
            Home.Stream.WaitFor(_start);
        }
    }

    /// <summary>Puts everything that the other devices do for the forward before what home does next.</summary>
    public void Join()
    {
        foreach (LaneDevice device in Others)
        {
            Home.WaitFor(device);
        }
    }

    /// <summary>Marks the end of a forward whose devices are joined; what its caller enqueues next comes behind it.</summary>
    public void Mark(CallerStream caller)
    {
        // What home read of theirs, copies to the host included, is behind their own streams too: their memory is lent anew in that order.
        foreach (LaneDevice device in Others)
        {
            device.WaitFor(Home);
        }

        _ranOn = caller.RunsOn;
        if (_ranOn is null)
        {
            Done.Record(Home.Stream);
        }

        caller.OrderedWith?.WaitFor(Done);
    }

    /// <summary>Marks the end of what a failed forward had enqueued and still runs: completion waits for it, and so does whatever the
    /// caller enqueues next. Refused calls are left to the next forward.</summary>
    public void EndFailed(CallerStream caller)
    {
        ICudaDriver driver = Home.Context.Driver;
        foreach (LaneDevice device in Others)
        {
            driver.EventRecord(device.Marker.Handle, device.Stream.Handle);
            driver.StreamWaitEvent(Home.Stream.Handle, device.Marker.Handle);
        }

        driver.EventRecord(Done.Handle, Home.Stream.Handle);
        foreach (LaneDevice device in Others)
        {
            driver.StreamWaitEvent(device.Stream.Handle, Done.Handle);
        }

        if (caller.OrderedWith is { IsDisposed: false } stream)
        {
            driver.StreamWaitEvent(stream.Handle, Done.Handle);
        }
    }

    /// <summary>Whether everything enqueued here is done.</summary>
    /// <exception cref="CudaException">The work or the device failed.</exception>
    public bool IsIdle()
    {
        if (_ranOn is { } stream)
        {
            if (stream.IsDisposed)
            {
                // Work may still run on a stream that is gone; nothing but its device context can say when it is done, and that not while a
                // lane records.
                CuResult reached = Home.Context.TrySynchronize();
                if (reached == CuResult.StreamCaptureUnsupported)
                {
                    return false;
                }

                reached.ThrowIfFailed();
            }
            else
            {
                Done.Record(stream);
            }

            _ranOn = null;
        }

        return Done.IsDone();
    }

    /// <summary>Waits for the work in flight, whatever became of it.</summary>
    public void WaitUntilIdle()
    {
        using ContextEntry entry = Home.Context.Enter();
        ICudaDriver driver = Home.Context.Driver;
        Home.Context.Record(driver.EventSynchronize(Done.Handle), nameof(ICudaDriver.EventSynchronize));
        if (_ranOn is { IsDisposed: false } stream)
        {
            Home.Context.Record(driver.StreamSynchronize(stream.Handle), nameof(ICudaDriver.StreamSynchronize));
        }
        else if (_ranOn is not null)
        {
            CuResult reached;
            while ((reached = Home.Context.TrySynchronize()) == CuResult.StreamCaptureUnsupported)
            {
                // Another lane records, which takes no longer than a launch of its segments.
                Thread.Yield();
            }

            Home.Context.Record(reached, nameof(ICudaDriver.CtxSynchronize));
        }
    }

    public void Dispose()
    {
        _start.Dispose();
        Done.Dispose();
    }

    /// <summary>The devices besides home.</summary>
    private ReadOnlySpan<LaneDevice> Others => _devices.Items.AsSpan(1);
}
