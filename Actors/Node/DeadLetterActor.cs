using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Forwards;

namespace Troupe.Actors.Node;

/// <summary>Ends the leases of tensors in messages whose receiver has stopped.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> its mailbox's. <b>Blocks</b> never. The last of its node to stop.</remarks>
internal sealed class DeadLetterActor : ReceiveActor
{
    public DeadLetterActor() => Receive<DeadLetter>(static dead => (dead.Message as IOwnsLeases)?.Release());

    public static Props Props() => Akka.Actor.Props.Create<DeadLetterActor>();

    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(DeadLetter));

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);
}
