using Akka.Actor;

namespace Troupe.Actors.Membership;

/// <summary>Node to whoever talks to GPUs directly (model directory, mode directory): the node's GPU actors by ordinal.</summary>
internal sealed record GpusStarted(IReadOnlyDictionary<int, IActorRef> Gpus) : INoSerializationVerificationNeeded;
