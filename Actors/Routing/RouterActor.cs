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
internal sealed class RouterActor : ReceiveActor, IRouterShell
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
            Apply();
        });
        Receive<RouteForward>(Take);
        Receive<AbandonForward>(abandon =>
        {
            _state.Home.Abandon(abandon);
            Apply();
        });
        Receive<CancelForward>(cancel =>
        {
            _state.Origin.Cancel(cancel.Id);
            Apply();
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

    protected override void PreStart()
    {
        Apply();
        Arm();
    }

    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason, "The router failed at {0}; it goes on with what it has.", message.GetType().Name);
        _timer.Dispose();
    }

    protected override void PostStop()
    {
        _timer.Dispose();
        _state.Origin.Stop();
        Apply();
        _state.Drained?.TrySetResult();
    }

    void IRouterShell.AnswerSink(IForwardSink sink, ForwardReply reply) => sink.Complete(reply);

    void IRouterShell.AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome) => origin.Answer(outcome);

    void IRouterShell.Dispatch(int ordinal, DispatchForward forward) => _state.Gpus[ordinal].Tell(forward, _self);

    void IRouterShell.Send(NodeId node, RouteForward route) => _state.Peers[node].Tell(route, _self);

    void IRouterShell.Drop(int ordinal, DropForward drop) => _state.Gpus[ordinal].Tell(drop, _self);

    void IRouterShell.Abandon(NodeId node, AbandonForward abandon)
    {
        if (_state.Peers.TryGetValue(node, out ICanTell? peer))
        {
            peer.Tell(abandon, _self);
        }
    }

    public void Failed(in RouterDecision decision, Exception cause)
    {
        _log.Error(cause, "The router's {0} failed{1}.", decision.Action, decision.Reply is { } reply ? $" for forward {reply.Id}" : "");
        _state.Origin.Failed(decision, cause, _clock.Now);
        _state.Home.Failed(decision, cause);
    }

    private void Accept(AcceptForward accept)
    {
        if (accept.Take())
        {
            _state.Origin.Accept(accept.Forward, accept.Sink, _clock.Now);
            Apply();
            Arm();
        }
    }

    private void Release(GpuRelease release)
    {
        _state.Home.Release(release);
        _state.Origin.Release(release, _clock.Now);
        Apply();
    }

    private void Take(RouteForward route)
    {
        NodeId from = PeerOf(Sender);
        if (!_state.Origins.TryGetValue(from, out (IActorRef Router, RouterOrigin Origin) known) || !known.Router.Equals(Sender))
        {
            known = (Sender, new RouterOrigin(Sender, _self));
            _state.Origins[from] = known;
        }

        _state.Home.Host(route, from, known.Origin, _clock.Now);
        Apply();
        Arm();
    }

    private void Tick()
    {
        TimeSpan now = _clock.Now;
        _state.Origin.Tick(now);
        _state.Home.Tick(now);
        Apply();
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
            _state.Origin.EndAttemptsOn(snapshot.Node, _clock.Now);
            _state.Home.AbandonAllOf(snapshot.Node);
            Apply();
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

        _state.Origin.EndAttemptsOn(node, _clock.Now);
        _state.Home.AbandonAllOf(node);
        Apply();
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
        Apply();
    }

    private void Apply()
    {
        _state.Decisions.ApplyTo(this);
        if (_state.Drained is { } drained && _state.Origin.Pending + _state.Home.Hosted == 0)
        {
            drained.TrySetResult();
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
