using Akka.Actor;

namespace Troupe.Actors.Gpu;

/// <summary>What a node tells one of its GPUs.</summary>
internal interface INodeToGpu : INoSerializationVerificationNeeded;
