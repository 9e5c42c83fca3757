using Akka.Actor;
using Akka.Event;

namespace Troupe.Actors.Membership;

/// <summary>A message of another process: it comes in this envelope, which only <see cref="EntranceActor"/>s open, so that no other actor
/// of a node can be told anything from outside, and none takes a sender's address for proof that it is here.</summary>
internal sealed record FromAfar(object Message) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

/// <summary>Stands in the place of what was refused on reading, so that Akka neither fails nor logs: no actor does anything with
/// it.</summary>
internal sealed class Unread : INoSerializationVerificationNeeded, IDeadLetterSuppression
{
    private Unread() { }

    public static Unread Instance { get; } = new();
}
