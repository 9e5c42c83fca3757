using Akka.Actor;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>Node to its own model directory: load what the node's settings name. Answered as <see cref="LoadModel"/>; never
/// travels.</summary>
internal sealed record LoadOwn(LoadModel Load) : IModelRequest, INoSerializationVerificationNeeded
{
    public string Name => Load.Name;
}

/// <summary>Node to its own model directory: unload what the node's settings no longer name. Answered as <see cref="UnloadModel"/>; never
/// travels.</summary>
internal sealed record UnloadOwn(UnloadModel Unload) : IModelRequest, INoSerializationVerificationNeeded
{
    public string Name => Unload.Name;
}
