using Akka.Actor;

namespace Troupe.Actors.Membership;

/// <summary>Membership to mode directory: this node is a member, and what was told of others before is all there was.</summary>
internal sealed class SelfUp : INoSerializationVerificationNeeded
{
    public static SelfUp Instance { get; } = new();
}
