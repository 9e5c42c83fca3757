using Akka.Actor;
using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Routing;

/// <summary>Another node's router as the origin of forwards that run here. Outcomes go to it straight from the GPU, in the name of this
/// node's router.</summary>
internal sealed class RouterOrigin(IActorRef origin, IActorRef home) : IForwardOrigin
{
    public void Answer(ForwardOutcome outcome) => origin.Tell(PayloadLimit.Checked(outcome), home);
}
