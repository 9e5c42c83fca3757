using Akka.Actor;

namespace Troupe.Actors.Membership;

/// <summary>Node to model directory: the instances on this device are gone.</summary>
/// <param name="ForGood">The device is quarantined; otherwise a new executor will follow.</param>
internal sealed record DeviceGone(int Ordinal, string Reason, bool ForGood) : INoSerializationVerificationNeeded;
