using Akka.Actor;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>Edge to gateway: a part of the configuration of a version that another node has. Never travels itself.</summary>
internal sealed record GetConfigurationPart(ModelVersion Model, int Offset) : INodeRequest, INoSerializationVerificationNeeded;
