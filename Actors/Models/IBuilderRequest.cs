using Akka.Actor;

namespace Troupe.Actors.Models;

/// <summary>What the model directory asks of the builder.</summary>
internal interface IBuilderRequest : INoSerializationVerificationNeeded;
