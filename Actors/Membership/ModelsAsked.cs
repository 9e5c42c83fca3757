using Akka.Actor;
using Troupe.Messages.Models;

namespace Troupe.Actors.Membership;

/// <summary>Gateway to this node's model directory: what another node asks, and the way back to it.</summary>
internal sealed record ModelsAsked(IModelRequest Request, IReplyTo<ModelReply> Asker) : INoSerializationVerificationNeeded;
