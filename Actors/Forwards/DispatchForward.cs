using Akka.Actor;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Runtime.Memory;

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

    /// <summary>Where its outputs are on lease from; null: they own their bytes.</summary>
    public HostMemory? LeasesFrom { get; init; }

    /// <summary>The same attempt at the version that runs it.</summary>
    public DispatchForward To(ModelVersion model) => ReferenceEquals(model, Model) || model == Model ? this : this with { Model = model };
}
