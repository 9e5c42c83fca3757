using Akka.Actor;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>Edge to its own node's model directory: load a model by what is brought along. Answered as <see cref="LoadModel"/>; never
/// travels.</summary>
internal sealed record LoadGiven(LoadModel Load, GivenModel Given) : IModelRequest, INoSerializationVerificationNeeded
{
    public string Name => Load.Name;
}
