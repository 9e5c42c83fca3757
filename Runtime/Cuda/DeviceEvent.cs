namespace Troupe.Runtime.Cuda;

/// <summary>An owned event.</summary>
/// <remarks><b>Owns</b> the event; holds its context alive. <b>Thread</b> any; recorded by the owner of the stream. <b>Blocks</b> in
/// <see cref="Synchronize"/> only.</remarks>
internal sealed class DeviceEvent : OwnedHandle<CuEvent>
{
    private DeviceEvent(DeviceContext context, CuEvent handle)
        : base(context, handle) { }

    /// <summary>Makes an event; without timing it is cheaper, and the default.</summary>
    public static DeviceEvent Create(DeviceContext context, CuEventFlags flags = CuEventFlags.DisableTiming)
    {
        using var creation = new HandleCreation(context);
        context.Driver.EventCreate(out CuEvent handle, flags).ThrowIfFailed();
        return creation.Keep(new DeviceEvent(context, handle));
    }

    /// <summary>Makes several, all of them or none.</summary>
    public static DeviceEvent[] Create(DeviceContext context, params ReadOnlySpan<CuEventFlags> flags)
    {
        var made = new List<DeviceEvent>(flags.Length);
        try
        {
            foreach (CuEventFlags each in flags)
            {
                made.Add(Create(context, each));
            }

            return [.. made];
        }
        catch
        {
            made.ForEach(static @event => @event.Dispose());
            throw;
        }
    }

    /// <summary>Marks the place behind everything enqueued on a stream of the same context.</summary>
    public void Record(DeviceStream stream) => Driver.EventRecord(Handle, stream.Handle).ThrowIfFailed();

    /// <summary>Whether the last record was reached; true when there was none. An error other than "not ready" is thrown.</summary>
    public bool IsDone()
    {
        CuResult status = Query();
        if (status == CuResult.NotReady)
        {
            return false;
        }

        status.ThrowIfFailed(nameof(Driver.EventQuery));
        return true;
    }

    /// <summary>The status itself, for callers that turn errors into replies.</summary>
    public CuResult Query()
    {
        CallingThread.Prepare(Driver);
        return Driver.EventQuery(Handle);
    }

    public void Synchronize()
    {
        CallingThread.Prepare(Driver);
        Driver.EventSynchronize(Handle).ThrowIfFailed();
        Context.ThrowIfFaulted();
    }

    /// <summary>Device time between two records of timed events.</summary>
    public TimeSpan Since(DeviceEvent start)
    {
        Driver.EventElapsedTime(out float milliseconds, start.Handle, Handle).ThrowIfFailed();
        return TimeSpan.FromMilliseconds(milliseconds);
    }

    private protected override void GiveBack(CuEvent handle) => Context.Record(Driver.EventDestroy(handle), nameof(Driver.EventDestroy));
}
