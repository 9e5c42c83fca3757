using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>The home's decisions: which GPU of this node takes a forward that another node's origin router sent.</summary>
/// <remarks>Knows no Akka. What it cannot take it sends back at once; it never dispatches a second time, that is the origin's.</remarks>
internal sealed class HomeCore(RoutingTable table, DecisionQueue<RouterDecision, IRouterShell> decisions)
{
    private readonly Dictionary<(RequestId Id, int Attempt), HostedForward> _hosted = [];
    private readonly DeadlineWheel _deadlines = new();
    private readonly List<DeadlineEntry> _expired = [];
    private bool _draining;

    public int Hosted => _hosted.Count;

    public void Host(RouteForward sent, NodeId from, IForwardOrigin origin, TimeSpan now)
    {
        Forward forward = sent.Forward;
        if (_hosted.ContainsKey((forward.Id, sent.Attempt)))
        {
            return;
        }

        if (_draining)
        {
            Bounce(FailureKind.Draining, $"Node {table.Self} is draining.");
            return;
        }

        ModelRoute? found = table.Routes.FindHere(forward.Model, sent.Content);
        if (found is null || RoutingTable.LocalFor(found, forward.Gpu) is not { } gpu)
        {
            bool isAway = (found is null || forward.Gpu is not null) && table.Routes.IsComingBackHere(forward.Model, forward.Gpu);
            (FailureKind kind, string detail) =
                isAway ? (FailureKind.DeviceLost, $"No device of node {table.Self} that holds model '{forward.Model}' is ready at present.")
                : found is null ? (FailureKind.ModelNotLoaded, $"Model '{forward.Model}' is not loaded on node {table.Self}.")
                : (FailureKind.QueueFull, $"The devices of node {table.Self} that hold model '{forward.Model}' are full.");
            Bounce(kind, detail);
            return;
        }

        var hosted = new HostedForward(forward.Id, sent.Attempt, from, gpu, sent.Suspect) { Deadline = now + forward.TimeLeft };
        _hosted.Add((forward.Id, sent.Attempt), hosted);
        _deadlines.Add(hosted);
        table.Use(gpu);
        gpu.SuspectLines += sent.Suspect ? 1 : 0;
        var dispatch = new DispatchForward(forward, found.Model, sent.Attempt, hosted.Deadline, origin)
        {
            Suspicion = sent.Suspect ? ForwardSuspicion.Suspect : ForwardSuspicion.None,
        };
        decisions.Add(RouterDecision.Dispatch(gpu.Id.Ordinal, dispatch));

        void Bounce(FailureKind kind, string detail) =>
            decisions.Add(
                RouterDecision.AnswerOrigin(
                    origin,
                    new ForwardOutcome(sent.Attempt, new ForwardReply.Failed(forward.Id, kind, detail), RetryAdvice.Bounce)
                )
            );
    }

    public void Release(GpuRelease release)
    {
        if (_hosted.Remove((release.Id, release.Attempt), out HostedForward? hosted))
        {
            _deadlines.Remove(hosted);
            hosted.Gpu.SuspectLines -= hosted.IsSuspect ? 1 : 0;
        }
    }

    public void Abandon(AbandonForward abandon)
    {
        if (_hosted.TryGetValue((abandon.Id, abandon.Attempt), out HostedForward? hosted))
        {
            Drop(hosted);
        }
    }

    /// <summary>Nobody waits for the forwards of a node that cannot be reached.</summary>
    public void AbandonAllOf(NodeId origin)
    {
        foreach (HostedForward hosted in _hosted.Values)
        {
            if (hosted.From == origin)
            {
                Drop(hosted);
            }
        }
    }

    /// <summary>The origin has answered by now; its word to abandon may have been lost.</summary>
    public void Tick(TimeSpan now)
    {
        _expired.Clear();
        _deadlines.Advance(now, _expired);
        foreach (DeadlineEntry entry in _expired)
        {
            Drop((HostedForward)entry);
        }
    }

    public void Drain() => _draining = true;

    /// <summary>A decision could not be applied: the origin hears of it, so that it does not wait for the deadline.</summary>
    public void Failed(in RouterDecision decision, Exception cause)
    {
        switch (decision.Action)
        {
            case RouterAction.Dispatch when decision.Dispatched is { Origin: { } origin } dispatched:
                if (_hosted.TryGetValue((dispatched.Forward.Id, dispatched.Attempt), out HostedForward? hosted))
                {
                    hosted.Gpu.Outstanding--;
                    Release(new GpuRelease(decision.Ordinal, hosted.Id, hosted.Attempt, null));
                }

                var failed = new ForwardReply.Failed(
                    dispatched.Forward.Id,
                    FailureKind.Internal,
                    $"The forward could not be handed to device {decision.Ordinal} of node {table.Self}: {cause.Message}"
                );
                decisions.Add(RouterDecision.AnswerOrigin(origin, new ForwardOutcome(dispatched.Attempt, failed, RetryAdvice.Final)));
                break;
            case RouterAction.AnswerOrigin:
            case RouterAction.Abandon:
            case RouterAction.Drop:
                decisions.TryRepeat(decision);
                break;
            default:
                break;
        }
    }

    /// <summary>The GPU releases it in any case, now or when it is done; until then it counts as hosted.</summary>
    private void Drop(HostedForward hosted)
    {
        _deadlines.Remove(hosted);
        decisions.Add(RouterDecision.Drop(hosted.Gpu.Id.Ordinal, hosted.Id, hosted.Attempt));
    }
}
