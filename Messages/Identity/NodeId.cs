using MessagePack;

namespace Troupe.Messages.Identity;

/// <summary>A node of the cluster by its address, <c>host:port</c> of its control plane; the same after a restart.</summary>
[MessagePackObject]
public readonly record struct NodeId([property: Key(0)] string Address)
{
    public override string ToString() => Address;
}
