using Troupe.Runtime.Cuda;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Plans;

/// <summary>A lane's part on one device: its stream, its arena, and the scratch memory of its contexts there.</summary>
/// <remarks><b>Owns</b> stream, event and arena. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class LaneDevice : IDisposable
{
    private readonly DeviceStream _own;

    public LaneDevice(DeviceContext context, BlockPool pool)
    {
        Context = context;
        Pool = pool;
        Arena = new DeviceArena(pool, "The tensors between segments");
        Workspace = new SharedWorkspace(pool);
        Stream = _own = DeviceStream.Create(context);
        try
        {
            Marker = DeviceEvent.Create(context);
        }
        catch
        {
            _own.Dispose();
            throw;
        }
    }

    public DeviceContext Context { get; }

    public BlockPool Pool { get; }

    public DeviceArena Arena { get; }

    /// <summary>Scratch memory of the lane's contexts here.</summary>
    public SharedWorkspace Workspace { get; }

    /// <summary>The lane's own stream: captures and warm-ups run here, whatever the caller's is.</summary>
    public DeviceStream Own => _own;

    /// <summary>The stream of the forward under way: the lane's own, or a caller's.</summary>
    public DeviceStream Stream { get; private set; }

    /// <summary>Marks points of this device's stream that other streams wait for.</summary>
    public DeviceEvent Marker { get; }

    /// <summary>Runs the next forward on a caller's stream; null returns to the lane's own.</summary>
    public void RunOn(DeviceStream? stream) => Stream = stream ?? _own;

    /// <summary>Makes this device's stream wait for everything that <paramref name="other"/>'s has now.</summary>
    public void WaitFor(LaneDevice other)
    {
        other.Marker.Record(other.Stream);
        Stream.WaitFor(other.Marker);
    }

    /// <summary>Copies bytes that lie on a device into memory on this one, in the order of a stream of this one.</summary>
    public void CopyHere(DevicePointer to, DevicePointer from, DeviceContext source, ulong bytes, DeviceStream stream)
    {
        if (bytes > 0)
        {
            Context.Driver.MemcpyPeerAsync(to, Context.Handle, from, source.Handle, bytes, stream.Handle).ThrowIfFailed();
        }
    }

    public void Dispose()
    {
        Arena.Dispose();
        Marker.Dispose();
        _own.Dispose();
    }
}
