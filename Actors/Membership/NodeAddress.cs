using Akka.Actor;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>Translates between a node's id and its address in Akka.</summary>
internal static class NodeAddress
{
    /// <summary>The router's name below the user guardian, on every node.</summary>
    public const string RouterName = "router";

    /// <summary>The gateway's.</summary>
    public const string GatewayName = "gateway";

    /// <summary>The node that an actor is on.</summary>
    public static NodeId Of(IActorRef actor) => Of(actor.Path.Address);

    public static NodeId Of(Address address) => new($"{address.Host}:{address.Port}");

    /// <summary>The address of <paramref name="node"/>, reached as <paramref name="self"/> is.</summary>
    public static Address Of(NodeId node, Address self)
    {
        int colon = node.Address.LastIndexOf(':');
        return new Address(
            self.Protocol,
            self.System,
            node.Address[..colon],
            int.Parse(node.Address.AsSpan(colon + 1), System.Globalization.CultureInfo.InvariantCulture)
        );
    }
}
