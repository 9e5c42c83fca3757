using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>What the gateway keeps when its actor is restarted: a late answer to a conversation before that must find no other.</summary>
/// <remarks><b>Owns</b> the numbers. <b>Thread</b> the gateway's.</remarks>
internal sealed class GatewayState(NodeId node, NodeIncarnation life)
{
    private ulong _counter;

    public NodeId Node => node;

    public NodeIncarnation Life => life;

    public RequestId NextId() => new(life, ++_counter);
}
