using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Actors.Routing;

/// <summary>Edge to origin router: one forward, which the router owns from here on, and the sink of its one terminal reply. That reply ends
/// the leases of the inputs, whatever it says.</summary>
/// <remarks>Claimed by the router or, when the router has stopped, by the edge itself; never by both. <b>Owns</b> the inputs.</remarks>
internal sealed class AcceptForward(Forward forward, IForwardSink sink)
    : IForwardSink,
        INoSerializationVerificationNeeded,
        IDeadLetterSuppression
{
    private int _taken;

    public Forward Forward { get; } = forward;

    public HostMemory? LeasesFrom => sink.LeasesFrom;

    /// <summary>True for the first who asks: the one who sees to the reply.</summary>
    public bool TryClaim() => Interlocked.Exchange(ref _taken, 1) == 0;

    /// <exception cref="TensorLeaseException">It is the reply to another forward.</exception>
    public void Complete(ForwardReply reply)
    {
        if (reply.Id != Forward.Id)
        {
            throw new TensorLeaseException($"A reply to forward {reply.Id} came to forward {Forward.Id}, whose inputs it does not end.");
        }

        try
        {
            Forward.Inputs.Release();
        }
        finally
        {
            sink.Complete(reply);
        }
    }
}

/// <summary>Node to router: this node's newest snapshot, and an answer that must not overtake it.</summary>
internal sealed record OwnSnapshot(NodeSnapshot Snapshot, IReplyTo<ModelReply>? Asker, ModelReply? Reply)
    : INoSerializationVerificationNeeded;

/// <summary>Edge to router: take no more forwards, and say when those taken are answered.</summary>
internal sealed record DrainRouter(TaskCompletionSource Drained) : INoSerializationVerificationNeeded;

/// <summary>The router's own clock: look at the deadlines.</summary>
internal sealed class DeadlineTick : INoSerializationVerificationNeeded, IDeadLetterSuppression
{
    public static DeadlineTick Instance { get; } = new();
}
