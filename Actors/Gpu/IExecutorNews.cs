using Akka.Actor;

namespace Troupe.Actors.Gpu;

/// <summary>What an executor tells the GPU of one of its devices.</summary>
internal interface IExecutorNews : INoSerializationVerificationNeeded;
