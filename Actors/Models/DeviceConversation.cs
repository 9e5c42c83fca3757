using Akka.Actor;
using Troupe.Actors.Membership;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>Node to model directory: this executor can adopt instances for these devices, its group.</summary>
internal sealed record DevicesReady(IReadOnlyList<int> Ordinals, IActorRef Executor) : INoSerializationVerificationNeeded;

/// <summary>Model directory to node: the models of this node as they are now; the answer, if any, follows the news to whoever asked for the
/// change.</summary>
internal sealed record ModelsChanged(ModelSnapshot[] Models, IReplyTo<ModelReply>? Asker, ModelReply? Reply)
    : INoSerializationVerificationNeeded;
