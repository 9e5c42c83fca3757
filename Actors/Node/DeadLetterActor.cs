using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Node;

/// <summary>Ends the leases of tensors in messages whose receiver has stopped, and counts what came from afar to actors that are no
/// entrances.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> its mailbox's. <b>Blocks</b> never. The last of its node to stop.</remarks>
internal sealed class DeadLetterActor : ReceiveActor
{
    private readonly Doors _doors = Doors.Of(Context.System);

    public DeadLetterActor()
    {
        Receive<DeadLetter>(static dead => (dead.Message as IOwnsLeases)?.Release());
        Receive<UnhandledMessage>(unhandled =>
        {
            if (unhandled.Message is FromAfar)
            {
                NodeId sender = NodeAddress.Of(unhandled.Sender);
                _doors.Drop(_doors.IsMember(sender) ? ForeignReason.NotTaken : ForeignReason.NoMember, sender);
            }
        });
    }

    public static Props Props() => Akka.Actor.Props.Create<DeadLetterActor>();

    protected override void PreStart()
    {
        Context.System.EventStream.Subscribe(Self, typeof(DeadLetter));
        Context.System.EventStream.Subscribe(Self, typeof(UnhandledMessage));
    }

    protected override void PostStop() => Context.System.EventStream.Unsubscribe(Self);
}
