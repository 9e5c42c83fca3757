using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>The last uses of an allocator's blocks, whose events are used again, so that steady state makes none.</summary>
/// <remarks><b>Owns</b> the events that nobody holds. <b>Thread</b> under the allocator's lock. <b>Blocks</b> never.</remarks>
internal sealed class LastUses(DeviceContext home) : IDisposable
{
    /// <summary>By the device of their events, which is that of the streams they mark.</summary>
    private readonly Dictionary<int, Stack<LastUse>> _spare = [];
    private long _sequence;

    /// <summary>Marks the end of everything enqueued on a stream so far; null where the driver has no event for it, and the device is done
    /// with everything instead.</summary>
    public LastUse? Mark(DeviceStream stream)
    {
        // An event and the stream it marks are of one device, which for outputs of spanning modules is that of their caller.
        DeviceContext context = stream.IsDisposed || stream.Context.Ordinal == home.Ordinal ? home : stream.Context;
        if (!SpareOf(context.Ordinal).TryPop(out LastUse? use))
        {
            try
            {
                use = new LastUse(DeviceEvent.Create(context));
            }
            catch (Exception trouble) when (trouble is CudaException or ObjectDisposedException)
            {
                Finish(context, trouble as CudaException);
                return null;
            }
        }

        use.Begin(stream, ++_sequence);
        return use;
    }

    public static LastUse? Hold(LastUse? use)
    {
        if (use is not null)
        {
            use.Holders++;
        }

        return use;
    }

    /// <summary>A block does not wait for it any longer.</summary>
    public void LetGo(LastUse? use)
    {
        if (use is not null && --use.Holders == 0)
        {
            SpareOf(use.Event.Context.Ordinal).Push(use);
        }
    }

    /// <summary>Puts a stream behind everything on another; false where the other is recorded on, or gone.</summary>
    public bool TryPutBehind(DeviceStream last, DeviceStream stream)
    {
        LastUse? use = Mark(last);
        try
        {
            if (use is { IsMarked: true })
            {
                stream.WaitFor(use.Event);
            }

            return use is null or { IsMarked: true };
        }
        finally
        {
            LetGo(use);
        }
    }

    /// <summary>Destroys the events that nobody holds.</summary>
    public void Dispose()
    {
        foreach (Stack<LastUse> spare in _spare.Values)
        {
            while (spare.TryPop(out LastUse? use))
            {
                use.Dispose();
            }
        }
    }

    /// <summary>Waits until a device is done with everything: a block comes back in any case.</summary>
    /// <param name="trouble">Of which whoever asks the device next is told.</param>
    private static void Finish(DeviceContext context, CudaException? trouble)
    {
        try
        {
            if (trouble is not null)
            {
                context.Record(trouble.Status, trouble.Call);
            }

            context.Record(context.TrySynchronize(), nameof(ICudaDriver.CtxSynchronize));
        }
        catch (CudaException)
        {
            // The device context is gone, and with it all work.
        }
    }

    private Stack<LastUse> SpareOf(int ordinal)
    {
        if (!_spare.TryGetValue(ordinal, out Stack<LastUse>? spare))
        {
            _spare.Add(ordinal, spare = new Stack<LastUse>());
        }

        return spare;
    }
}
