using Akka.Actor;
using Akka.Event;

namespace Troupe.Actors.Node;

/// <summary>The node's own clock: look after the GPUs and tell the routers.</summary>
internal sealed class NodeTick : INoSerializationVerificationNeeded, IDeadLetterSuppression
{
    public static NodeTick Instance { get; } = new();
}

/// <summary>The wait before an executor's next life is over.</summary>
internal sealed record StartExecutor(ExecutorGroup Group) : INoSerializationVerificationNeeded, IDeadLetterSuppression;

/// <summary>Edge to node: say in snapshots that this node takes no new work.</summary>
internal sealed class DrainNode : INoSerializationVerificationNeeded
{
    public static DrainNode Instance { get; } = new();
}

/// <summary>Edge to node: tell this actor the GPUs of the node, now.</summary>
internal sealed record IntroduceGpus(IActorRef To) : INoSerializationVerificationNeeded;
