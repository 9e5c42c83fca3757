namespace Troupe.Runtime.Cuda;

/// <summary>An owned stream, always non-blocking.</summary>
/// <remarks>
/// <b>Owns</b> the stream; holds its context alive. <b>Thread</b> one at a time. <b>Blocks</b> in <see cref="Synchronize"/> only.
/// The calls that enqueue work expect the caller to be inside <see cref="DeviceContext.Enter"/>: a lane enters once per forward.
/// </remarks>
internal sealed class DeviceStream : OwnedHandle<CuStream>
{
    private readonly Lock _recording = new();
    private bool _isRecording;

    private DeviceStream(DeviceContext context, CuStream handle)
        : base(context, handle) { }

    /// <exception cref="CudaException">The device has no more streams, or its context failed.</exception>
    public static DeviceStream Create(DeviceContext context, int priority = 0)
    {
        using var creation = new HandleCreation(context);
        context.Driver.StreamCreate(out CuStream handle, CuStreamFlags.NonBlocking, priority).ThrowIfFailed();
        return creation.Keep(new DeviceStream(context, handle));
    }

    /// <summary>Whether everything enqueued is done. An error other than "not ready" is thrown.</summary>
    public bool IsDone()
    {
        CallingThread.Prepare(Driver);
        CuResult status = Driver.StreamQuery(Handle);
        if (status == CuResult.NotReady)
        {
            return false;
        }

        status.ThrowIfFailed(nameof(Driver.StreamQuery));
        return true;
    }

    /// <summary>Waits for everything enqueued. Only for stopping, draining, building and tests.</summary>
    public void Synchronize()
    {
        CallingThread.Prepare(Driver);
        Driver.StreamSynchronize(Handle).ThrowIfFailed();
        Context.ThrowIfFaulted();
    }

    /// <summary>Later work of this stream waits for the event's last record, of whatever device.</summary>
    public void WaitFor(DeviceEvent @event) => Driver.StreamWaitEvent(Handle, @event.Handle).ThrowIfFailed();

    /// <summary>
    /// While its owner records, others keep off this stream: an event of theirs would become part of the recording, and their streams with
    /// it.
    /// <see cref="TryMark"/> and <see cref="TryWaitFor"/> are for everybody but the owner.
    /// </summary>
    public void KeepOff(bool recording)
    {
        lock (_recording)
        {
            if (_isRecording != recording)
            {
                Context.CountRecording(begins: recording);
            }

            _isRecording = recording;
        }
    }

    /// <summary>Records an event here on behalf of another stream; false, without effect, while the owner records.</summary>
    public bool TryMark(DeviceEvent @event)
    {
        lock (_recording)
        {
            if (_isRecording)
            {
                return false;
            }

            @event.Record(this);
            return true;
        }
    }

    /// <summary>Makes this stream wait on behalf of another; false, without effect, while the owner records.</summary>
    public bool TryWaitFor(DeviceEvent @event)
    {
        lock (_recording)
        {
            if (_isRecording)
            {
                return false;
            }

            WaitFor(@event);
            return true;
        }
    }

    /// <summary>Calls <paramref name="function"/> when everything enqueued so far is done.</summary>
    public void Call(HostFunction function) => Driver.LaunchHostFunc(Handle, function).ThrowIfFailed();

    public void CopyToDevice(DevicePointer destination, nint source, ulong byteCount) =>
        Driver.MemcpyHtoDAsync(destination, source, byteCount, Handle).ThrowIfFailed();

    public void CopyToHost(nint destination, DevicePointer source, ulong byteCount) =>
        Driver.MemcpyDtoHAsync(destination, source, byteCount, Handle).ThrowIfFailed();

    public void CopyOnDevice(DevicePointer destination, DevicePointer source, ulong byteCount) =>
        Driver.MemcpyDtoDAsync(destination, source, byteCount, Handle).ThrowIfFailed();

    public void Fill(DevicePointer destination, byte value, ulong byteCount) =>
        Driver.MemsetD8Async(destination, value, byteCount, Handle).ThrowIfFailed();

    /// <summary>Begins to record instead of running. One thread begins and ends; other calls of that thread are restricted
    /// meanwhile.</summary>
    public void BeginCapture(CuStreamCaptureMode mode = CuStreamCaptureMode.ThreadLocal) =>
        Driver.StreamBeginCapture(Handle, mode).ThrowIfFailed();

    /// <summary>Ends the recording.</summary>
    /// <exception cref="CudaException">The capture was invalidated or is unjoined; it has ended all the same.</exception>
    public RecordedGraph EndCapture()
    {
        Driver.StreamEndCapture(Handle, out CuGraph graph).ThrowIfFailed();
        return new RecordedGraph(Context, graph);
    }

    /// <summary>Gives up a recording; a stream that does not record is left as it is.</summary>
    public void AbandonCapture()
    {
        if (
            Driver.StreamGetCaptureInfo(Handle, out CuStreamCaptureStatus status, out _) != CuResult.Success
            || status == CuStreamCaptureStatus.None
        )
        {
            return;
        }

        if (Driver.StreamEndCapture(Handle, out CuGraph graph) == CuResult.Success)
        {
            Context.Record(Driver.GraphDestroy(graph), nameof(Driver.GraphDestroy));
        }
    }

    private protected override void GiveBack(CuStream handle) => Context.Record(Driver.StreamDestroy(handle), nameof(Driver.StreamDestroy));
}
