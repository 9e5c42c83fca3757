using Akka.Actor;

namespace Troupe.Actors.Membership;

/// <summary>An actor that asked another one, as the other one's core knows it.</summary>
/// <param name="asker">Who gets the answer.</param>
/// <param name="self">In whose name it is given.</param>
internal sealed class ActorReply<TReply>(IActorRef asker, IActorRef self) : IReplyTo<TReply>
    where TReply : class
{
    public void Answer(TReply reply) => asker.Tell(reply, self);
}
