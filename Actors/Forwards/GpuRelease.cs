using Akka.Actor;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Actors.Forwards;

/// <summary>GPU to its own router: a forward has left me, here is its credit back, and its outcome where this router is the
/// origin.</summary>
/// <param name="Outcome">Null when it went to another node's router, or the forward had been abandoned.</param>
/// <param name="Launched">The device had begun with it.</param>
internal sealed record GpuRelease(int Ordinal, RequestId Id, int Attempt, ForwardOutcome? Outcome, bool Launched = false)
    : INoSerializationVerificationNeeded,
        IOwnsLeases
{
    public void Release() => (Outcome?.Reply as ForwardReply.Succeeded)?.Outputs.Release();
}
