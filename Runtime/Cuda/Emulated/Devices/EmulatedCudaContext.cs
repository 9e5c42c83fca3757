namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>A device context of an emulated device: what its handles belong to, whom it may reach, and the error that ended it.</summary>
/// <remarks><b>Owns</b> nothing directly; its device tears its objects down. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class EmulatedCudaContext(EmulatedDevice device, bool isPrimary) : EmulatedObject
{
    private EmulatedCudaContext[] _peers = [];

    public EmulatedDevice Device { get; } = device;

    public bool IsPrimary { get; } = isPrimary;

    /// <summary>Retains not yet released; of a created context one until it is destroyed.</summary>
    public int Retains { get; set; }

    /// <summary>The error that ended this context, or success. A fault ends every context of its device, and the device for this
    /// process.</summary>
    public CuResult Failure => Device.Failure;

    public CuContext Context => new(Handle);

    /// <summary>A primary context that is activated again has no peers.</summary>
    public void ForgetPeers() => Volatile.Write(ref _peers, []);

    public bool HasPeer(EmulatedCudaContext peer) => Array.IndexOf(Volatile.Read(ref _peers), peer) >= 0;

    /// <summary>Whether a kernel of this context may touch a range: live, inside, and of the same device or an enabled peer.</summary>
    public bool MayDereference(EmulatedAllocation allocation, in DeviceAccess access)
    {
        return allocation.IsLive
            && allocation.MayTouch(access.Start.Address, access.ByteCount)
            && (allocation.Device == Device || HasPeer(allocation.Context));
    }

    public bool AddPeer(EmulatedCudaContext peer)
    {
        lock (Device.Gate)
        {
            if (HasPeer(peer))
            {
                return false;
            }

            Volatile.Write(ref _peers, [.. _peers, peer]);
            return true;
        }
    }

    public bool RemovePeer(EmulatedCudaContext peer)
    {
        lock (Device.Gate)
        {
            if (!HasPeer(peer))
            {
                return false;
            }

            Volatile.Write(ref _peers, [.. _peers.Where(other => other != peer)]);
            return true;
        }
    }

    public override string Describe() => $"{(IsPrimary ? "primary" : "created")} device context of device {Device.Ordinal}";
}
