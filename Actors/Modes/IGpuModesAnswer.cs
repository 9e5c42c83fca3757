using Akka.Actor;

namespace Troupe.Actors.Modes;

/// <summary>What a GPU answers the mode directory of its node.</summary>
internal interface IGpuModesAnswer : INoSerializationVerificationNeeded;
