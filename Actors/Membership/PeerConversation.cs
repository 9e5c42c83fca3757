using Akka.Actor;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>Membership to router: a member is up; introduce yourself.</summary>
internal sealed record PeerUp(NodeId Node, ActorSelection Router) : INoSerializationVerificationNeeded;

/// <summary>Membership to router and gateway: the member cannot be reached at present.</summary>
internal sealed record PeerUnreachable(NodeId Node) : INoSerializationVerificationNeeded;

internal sealed record PeerReachable(NodeId Node) : INoSerializationVerificationNeeded;

/// <summary>Membership to router and gateway: the member has left or was removed.</summary>
internal sealed record PeerGone(NodeId Node) : INoSerializationVerificationNeeded;
