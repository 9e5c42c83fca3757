using Akka.Actor;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>What membership tells those who act on it, of another node.</summary>
internal interface IPeerNews : INoSerializationVerificationNeeded
{
    NodeId Node { get; }
}

/// <summary>A member is up; introduce yourself.</summary>
internal sealed record PeerUp(NodeId Node) : IPeerNews;

/// <summary>The member cannot be reached at present.</summary>
internal sealed record PeerUnreachable(NodeId Node) : IPeerNews;

internal sealed record PeerReachable(NodeId Node) : IPeerNews;

/// <summary>The member has left or was removed.</summary>
internal sealed record PeerGone(NodeId Node) : IPeerNews;
