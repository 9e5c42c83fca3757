using Akka.Actor;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Forwards;

/// <summary>Router to GPU: take this attempt at a forward. Immutable, and never on the wire.</summary>
/// <param name="Model">The exact version it is dispatched for.</param>
/// <param name="Attempt">Which dispatch of its origin router this is.</param>
/// <param name="Deadline">On this node's clock.</param>
/// <param name="Origin">Null when this node's router is the origin.</param>
internal sealed record DispatchForward(Forward Forward, ModelVersion Model, int Attempt, TimeSpan Deadline, IForwardOrigin? Origin)
    : INoSerializationVerificationNeeded
{
    public ForwardSuspicion Suspicion { get; init; }

    /// <summary>Keeps the bytes of the inputs alive until the attempt has ended; null when the tensors own theirs.</summary>
    public IDisposable? PayloadOwner { get; init; }
}
