using Akka.Actor;

namespace Troupe.Actors.Gpu;

/// <summary>What a GPU asks of the executor of its device.</summary>
internal interface IExecutorRequest : INoSerializationVerificationNeeded;
