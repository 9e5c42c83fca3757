using Akka.Actor;

namespace Troupe.Actors.Models;

/// <summary>What a GPU tells the model directory of an instance.</summary>
internal interface IInstanceNews : INoSerializationVerificationNeeded;
