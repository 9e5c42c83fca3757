using Akka.Actor;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>An actor that other nodes speak to, and by its name strangers too: what came over the network is handed on only where
/// <see cref="DoorRules"/> let it in.</summary>
/// <remarks><b>Thread</b> its mailbox's. <b>Blocks</b> never.</remarks>
internal abstract class EntranceActor : ReceiveActor
{
    protected Doors Doors { get; } = Doors.Of(Context.System);

    /// <summary>Whether nodes say this to each other at this entrance.</summary>
    protected abstract bool Takes(object message);

    protected override bool AroundReceive(Receive receive, object message)
    {
        if (message is not FromAfar { Message: var said })
        {
            return base.AroundReceive(receive, message);
        }

        NodeId sender = NodeAddress.Of(Sender);
        if (DoorRules.WhyNot(said, Takes(said), sender, Doors.IsMember(sender), Doors.Time.GetUtcNow()) is { } reason)
        {
            Doors.Drop(reason, sender);
            return true;
        }

        return base.AroundReceive(receive, said);
    }
}
