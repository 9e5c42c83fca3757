namespace Troupe.Runtime.Cuda.Host;

/// <summary>A device context of an emulated device: what its handles belong to, whom it may reach, and the error that ended it.</summary>
/// <remarks><b>Owns</b> nothing directly; its device tears its objects down. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class HostContext(HostDevice device, bool isPrimary) : HostObject
{
    private int _failure;
    private HostContext[] _peers = [];

    public HostDevice Device { get; } = device;

    public bool IsPrimary { get; } = isPrimary;

    /// <summary>Retains not yet released; of a created context one until it is destroyed.</summary>
    public int Retains { get; set; }

    /// <summary>The error that ended this context, or success. Every later call answers it.</summary>
    public CuResult Failure => (CuResult)Volatile.Read(ref _failure);

    public CuContext Context => new(Handle);

    /// <summary>Ends the context with an error; the first one stays.</summary>
    public void Fail(CuResult status) => Interlocked.CompareExchange(ref _failure, (int)status, 0);

    /// <summary>A primary context that is activated again starts healthy, unless its device was lost.</summary>
    public void Renew()
    {
        Volatile.Write(ref _failure, (int)Device.Loss);
        Volatile.Write(ref _peers, []);
    }

    public bool HasPeer(HostContext peer) => Array.IndexOf(Volatile.Read(ref _peers), peer) >= 0;

    public bool AddPeer(HostContext peer)
    {
        lock (Device.Gate)
        {
            if (HasPeer(peer)) return false;
            Volatile.Write(ref _peers, [.. _peers, peer]);
            return true;
        }
    }

    public bool RemovePeer(HostContext peer)
    {
        lock (Device.Gate)
        {
            if (!HasPeer(peer)) return false;
            Volatile.Write(ref _peers, [.. _peers.Where(other => other != peer)]);
            return true;
        }
    }

    public override string Describe() => $"{(IsPrimary ? "primary" : "created")} device context of device {Device.Ordinal}";
}
