using Akka.Actor;
using Akka.Remote.Serialization;

namespace Troupe.Actors.Serialization;

/// <summary>Of the messages that Akka serializes for everybody the heartbeats of remote watching: no PoisonPill, no Kill, no actor
/// references, no configuration.</summary>
/// <remarks><b>Thread</b> any.</remarks>
public sealed class GuardedMiscMessages(ExtendedActorSystem system)
    : GuardedSerializer(system, 16, new MiscMessageSerializer(system), ["RWHB", "RWHR"]);
