using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>The router of a node: origin of the forwards its edge accepts, home of those that other nodes send.</summary>
/// <remarks><b>Owns</b> <see cref="RouterState"/>, which survives a restart of the actor. <b>Thread</b> its mailbox's. <b>Blocks</b>
/// never.</remarks>
internal sealed class RouterActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RouterState _state;
    private readonly ClusterViewHolder _views;
    private readonly NodeClock _clock;
    private readonly IActorRef _self;
    private readonly ITimer _timer;
    private bool _ticking;

    public RouterActor(RouterState state, ClusterViewHolder views, NodeClock clock)
    {
        _state = state;
        _views = views;
        _clock = clock;
        _self = Self;
        _timer = clock.Provider.CreateTimer(
            static self => ((IActorRef)self!).Tell(DeadlineTick.Instance),
            Self,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );

        Receive<AcceptForward>(Accept);
        Receive<GpuRelease>(Release);
        Receive<ForwardOutcome>(outcome =>
        {
            _state.Origin.End(outcome, PeerOf(Sender), _clock.Now);
            Perform();
        });
        Receive<RouteForward>(Take);
        Receive<AbandonForward>(abandon =>
        {
            _state.Home.Abandon(abandon);
            Perform();
        });
        Receive<CancelForward>(cancel =>
        {
            _state.Origin.Cancel(cancel.Id);
            Perform();
        });
        Receive<DeadlineTick>(_ => Tick());
        Receive<GpuReport>(Hear);
        Receive<NodeSnapshot>(Hear);
        Receive<OwnSnapshot>(Hear);
        Receive<PeerUp>(Meet);
        Receive<PeerUnreachable>(peer => Lose(peer.Node, gone: false));
        Receive<PeerGone>(peer => Lose(peer.Node, gone: true));
        Receive<PeerReachable>(Reach);
        Receive<DrainRouter>(Drain);
    }

    public static Props Props(RouterState state, ClusterViewHolder views, NodeClock clock) =>
        Akka.Actor.Props.Create<RouterActor>(state, views, clock);

    protected override void PreStart() => Arm();

    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason, "The router failed at {0}; it goes on with what it has.", message.GetType().Name);
        _timer.Dispose();
        _state.Decisions.Clear();
    }

    protected override void PostStop()
    {
        _timer.Dispose();
        _state.Origin.Stop();
        Perform();
        _state.Drained?.TrySetResult();
    }

    private void Accept(AcceptForward accept)
    {
        if (accept.Take())
        {
            _state.Origin.Accept(accept.Forward, accept.Sink, _clock.Now);
            Perform();
            Arm();
        }
    }

    private void Release(GpuRelease release)
    {
        _state.Home.Release(release);
        _state.Origin.Release(release, _clock.Now);
        Perform();
    }

    private void Take(RouteForward route)
    {
        NodeId from = PeerOf(Sender);
        if (!_state.Origins.TryGetValue(from, out (IActorRef Router, RouterOrigin Origin) known) || !known.Router.Equals(Sender))
        {
            known = (Sender, new RouterOrigin(Sender, _self));
            _state.Origins[from] = known;
        }

        _state.Home.Take(route, from, known.Origin, _clock.Now);
        Perform();
        Arm();
    }

    private void Tick()
    {
        TimeSpan now = _clock.Now;
        _state.Origin.Tick(now);
        _state.Home.Tick(now);
        Perform();
        if (_state.Origin.Pending + _state.Home.Hosted == 0)
        {
            _ticking = false;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private void Hear(GpuReport report)
    {
        _state.Gpus[report.Gpu.Ordinal] = Sender;
        _state.Table.Hear(report);
    }

    private void Hear(OwnSnapshot own)
    {
        _state.Table.HearOwn(own.Snapshot);
        _views.View = _state.Table.View();
        foreach (ICanTell peer in _state.Peers.Values)
        {
            peer.Tell(own.Snapshot, _self);
        }

        own.ReplyTo?.Tell(own.Reply, _self);
    }

    private void Hear(NodeSnapshot snapshot)
    {
        if (!_state.Peers.ContainsKey(snapshot.Node))
        {
            // Not a member (yet, or any more); a member repeats itself.
            return;
        }

        _state.Peers[snapshot.Node] = Sender;
        if (_state.Table.Hear(snapshot, _clock.Now))
        {
            _log.Info("Node {0} has been started anew.", snapshot.Node);
            _state.Origin.Lose(snapshot.Node, _clock.Now);
            _state.Home.Lose(snapshot.Node);
            Perform();
        }

        _views.View = _state.Table.View();
    }

    private void Meet(PeerUp peer)
    {
        _log.Info("Node {0} is up.", peer.Node);
        _state.Peers[peer.Node] = peer.Router;
        _state.Table.SetReachable(peer.Node, true);
        if (_state.Table.Own is { } own)
        {
            peer.Router.Tell(own, _self);
        }
    }

    private void Lose(NodeId node, bool gone)
    {
        if (gone)
        {
            _log.Info("Node {0} has left.", node);
            _state.Peers.Remove(node);
            _state.Origins.Remove(node);
            _state.Table.Remove(node);
        }
        else
        {
            _log.Warning("Node {0} cannot be reached.", node);
            _state.Table.SetReachable(node, false);
        }

        _state.Origin.Lose(node, _clock.Now);
        _state.Home.Lose(node);
        Perform();
        _views.View = _state.Table.View();
    }

    private void Reach(PeerReachable peer)
    {
        _log.Info("Node {0} can be reached again.", peer.Node);
        _state.Table.SetReachable(peer.Node, true);
        _views.View = _state.Table.View();
        if (_state.Table.Own is { } own && _state.Peers.TryGetValue(peer.Node, out ICanTell? router))
        {
            router.Tell(own, _self);
        }
    }

    private void Drain(DrainRouter drain)
    {
        _state.Drained = drain.Drained;
        _state.Origin.Drain();
        _state.Home.Drain();
        Perform();
    }

    private void Perform()
    {
        // A sink or a dispatch never leads back into a core, so the list does not grow meanwhile.
        List<RouterDecision> decisions = _state.Decisions;
        for (int i = 0; i < decisions.Count; i++)
        {
            Perform(decisions[i]);
        }

        decisions.Clear();
        if (_state.Drained is { } drained && _state.Origin.Pending + _state.Home.Hosted == 0)
        {
            drained.TrySetResult();
        }
    }

    private void Perform(in RouterDecision decision)
    {
        switch (decision.Action)
        {
            case RouterAction.AnswerSink:
                Answer(decision.Sink!, decision.Reply!);
                break;
            case RouterAction.AnswerOrigin:
                decision.Origin!.Answer(decision.Outcome!);
                break;
            case RouterAction.Dispatch:
                _state.Gpus[decision.Ordinal].Tell(decision.Queued, _self);
                break;
            case RouterAction.Send:
                _state.Peers[decision.Node].Tell(decision.Route, _self);
                break;
            case RouterAction.Drop:
                _state.Gpus[decision.Ordinal].Tell(new DropForward(decision.Id, decision.Attempt), _self);
                break;
            case RouterAction.Abandon when _state.Peers.TryGetValue(decision.Node, out ICanTell? peer):
                peer.Tell(new AbandonForward(decision.Id, decision.Attempt), _self);
                break;
            case RouterAction.Abandon:
                break;
        }
    }

    private void Answer(IForwardSink sink, ForwardReply reply)
    {
        try
        {
            sink.Complete(reply);
        }
        catch (Exception exception)
        {
            _log.Error(exception, "The sink of forward {0} threw; a sink must not.", reply.Id);
        }
    }

    /// <summary>The timer runs only while there are deadlines.</summary>
    private void Arm()
    {
        if (!_ticking && _state.Origin.Pending + _state.Home.Hosted > 0)
        {
            _ticking = true;
            _timer.Change(DeadlineWheel.Tick, DeadlineWheel.Tick);
        }
    }

    private static NodeId PeerOf(IActorRef router) => NodeAddress.Of(router.Path.Address);
}
