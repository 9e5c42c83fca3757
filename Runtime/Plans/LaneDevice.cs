using Troupe.Runtime.Cuda;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Plans;

/// <summary>A lane's part on one device: its stream, its arena, and the addresses its tensors have there in the forward under
/// way.</summary>
/// <remarks><b>Owns</b> stream, event and arena. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class LaneDevice : IDisposable
{
    private readonly DeviceStream _own;

    public LaneDevice(DeviceContext context, BlockPool pool, int tensors)
    {
        Context = context;
        Pool = pool;
        Arena = new DeviceArena(context);
        Workspace = new SharedWorkspace(pool);
        Addresses = new DevicePointer[tensors];
        Stream = _own = DeviceStream.Create(context);
        try
        {
            Order = DeviceEvent.Create(context);
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

    /// <summary>By tensor: where it lies on this device; null where it does not.</summary>
    public DevicePointer[] Addresses { get; }

    /// <summary>The lane's own stream: captures and warm-ups run here, whatever the caller's is.</summary>
    public DeviceStream Own => _own;

    /// <summary>The stream of the forward under way: the lane's own, or a caller's.</summary>
    public DeviceStream Stream { get; private set; }

    /// <summary>Marks points of this device's stream that other streams wait for.</summary>
    public DeviceEvent Order { get; }

    /// <summary>Runs the next forward on a caller's stream; null returns to the lane's own.</summary>
    public void Use(DeviceStream? stream) => Stream = stream ?? _own;

    /// <summary>Makes this device's stream wait for everything that <paramref name="other"/>'s has now.</summary>
    public void WaitFor(LaneDevice other)
    {
        other.Order.Record(other.Stream);
        Stream.WaitFor(other.Order);
    }

    public void Dispose()
    {
        Arena.Dispose();
        Order.Dispose();
        _own.Dispose();
    }
}
