using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>The place on a stream behind which nothing uses a block any more, marked by an event.</summary>
/// <remarks>Blocks that were split share one. <b>Owns</b> the event. <b>Thread</b> under the allocator's lock. <b>Blocks</b>
/// never.</remarks>
internal sealed class LastUse(DeviceEvent mark) : IDisposable
{
    public DeviceEvent Event => mark;

    public DeviceStream Stream { get; private set; } = null!;

    /// <summary>Blocks that wait for it.</summary>
    public int Holders { get; set; }

    /// <summary>A later mark of the same stream covers an earlier one.</summary>
    public long Sequence { get; private set; }

    /// <summary>The event is recorded. It is not while the stream's owner records a graph, nor once the stream is gone.</summary>
    public bool IsMarked { get; private set; }

    /// <summary>Only the device itself can say when it is over: the stream went before it could be marked.</summary>
    public bool IsLost => !IsMarked && Stream.IsDisposed;

    public void Begin(DeviceStream stream, long sequence)
    {
        Stream = stream;
        Sequence = sequence;
        Holders = 1;
        IsMarked = false;
        TryMark();
    }

    /// <summary>Marks the place now, if that can be done.</summary>
    public bool TryMark()
    {
        if (IsMarked || Stream.IsDisposed)
        {
            return IsMarked;
        }

        try
        {
            return IsMarked = Stream.TryMark(mark);
        }
        catch (Exception trouble) when (trouble is CudaException or ObjectDisposedException)
        {
            // The device failed, or the stream just went: whoever uses either next is told.
            return false;
        }
    }

    /// <summary>Whether it is over; of a device that failed nothing is known.</summary>
    public bool IsOver => TryMark() && mark.Query() == CuResult.Success;

    /// <summary>Those of lost ones whose device is done with everything, which has to be waited for; none of a device while some thread
    /// records there.</summary>
    /// <remarks><b>Thread</b> any, while they are held.</remarks>
    public static LastUse[] Over(LastUse[] lost) =>
        [
            .. lost.GroupBy(static use => use.Stream.Context.Ordinal)
                .Where(static device => device.First().TryEnd())
                .SelectMany(device => device),
        ];

    private bool TryEnd()
    {
        try
        {
            DeviceContext device = Stream.Context.Ordinal == mark.Context.Ordinal ? mark.Context : Stream.Context;
            return device.TrySynchronize() != CuResult.StreamCaptureUnsupported;
        }
        catch (CudaException)
        {
            // Its device context is gone, and with it all work.
            return true;
        }
    }

    public void Dispose() => mark.Dispose();
}
