using Akka.Actor;

namespace Troupe.Actors.Gpu;

/// <summary>What a GPU tells its node.</summary>
internal interface IGpuNews : INoSerializationVerificationNeeded;
