using Akka.Actor;

namespace Troupe.Actors.Modes;

/// <summary>What a mode directory asks of a GPU of its node.</summary>
internal interface IGpuModesRequest : INoSerializationVerificationNeeded;
