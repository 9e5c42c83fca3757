using Akka.Actor;
using Akka.Event;
using Troupe.Messages.Failures;

namespace Troupe.Actors.Membership;

/// <summary>One request of the edge and its answer: ends with the answer, the loss of the node, the caller's cancellation or a bound,
/// whichever comes first.</summary>
/// <remarks><b>Owns</b> the promise to end <see cref="Converse.End"/>. <b>Thread</b> its mailbox's. <b>Blocks</b> never.</remarks>
internal sealed class ConversationActor : UntypedActor, IWithTimers
{
    private readonly Converse _converse;
    private readonly CancellationTokenRegistration _registration;

    public ConversationActor(Converse converse)
    {
        _converse = converse;
        IActorRef self = Self;
        _registration = converse.Cancellation.Register(() => self.Tell(Ended.Cancelled));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(Converse converse) => Akka.Actor.Props.Create<ConversationActor>(converse);

    protected override void PreStart() => Timers.StartSingleTimer(Ended.TimedOut, Ended.TimedOut, _converse.Bound);

    protected override void PostStop()
    {
        _registration.Dispose();
        _converse.End.Fail(FailureKind.Draining, "The node stopped before the answer came.");
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Ended.TimedOutCase:
                _converse.End.Fail(FailureKind.DeadlineExceeded, $"No answer within {_converse.Bound.TotalSeconds:0} s.");
                break;
            case Ended.CancelledCase:
                _converse.End.Fail(FailureKind.Cancelled, "The caller cancelled the request; what it began goes on.");
                break;
            case ConversationLost lost when lost.Node == _converse.Node:
                _converse.End.Fail(FailureKind.NodeUnreachable, $"Node {lost.Node} cannot be reached.");
                break;
            case ConversationLost:
                return;
            default:
                if (!_converse.End.Answer(message))
                {
                    Unhandled(message);
                    return;
                }

                break;
        }

        Context.Stop(Self);
    }

    /// <summary>Ends without an answer.</summary>
    private static class Ended
    {
        public static TimedOutCase TimedOut { get; } = new();

        public static CancelledCase Cancelled { get; } = new();

        public sealed class TimedOutCase : INoSerializationVerificationNeeded, IDeadLetterSuppression;

        public sealed class CancelledCase : INoSerializationVerificationNeeded, IDeadLetterSuppression;
    }
}
