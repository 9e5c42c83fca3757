using Akka.Actor;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Gpu;

/// <summary>What one life of an executor is made from.</summary>
/// <param name="Ordinals">The devices of its group.</param>
/// <param name="Gpus">The GPU actors of the node, by ordinal.</param>
/// <param name="Pulse">Where it says what it is in.</param>
/// <param name="DrainBound">Longest wait for the devices when it ends.</param>
internal sealed record ExecutorSpec(
    int Incarnation,
    IPlatform Platform,
    IReadOnlyList<int> Ordinals,
    IReadOnlyDictionary<int, IActorRef> Gpus,
    ExecutorPulse Pulse,
    TimeSpan DrainBound
);
