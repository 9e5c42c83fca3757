using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>The router of a node: origin of the forwards its edge accepts, home of those that other nodes send.</summary>
/// <remarks><b>Owns</b> nothing: what it knows and owes is in <see cref="RouterState"/>, which survives a restart of the actor.
/// <b>Thread</b> its mailbox's. <b>Blocks</b> never.</remarks>
internal sealed class RouterActor : EntranceActor, IRouterShell
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RouterState _state;
    private readonly ClusterViewHolder _views;
    private readonly NodeClock _clock;
    private readonly IActorRef _self;
    private readonly PeerGate<IRouterMessage> _peers;
    private readonly ITimer _timer;
    private bool _ticking;

    public RouterActor(RouterState state, ClusterViewHolder views, NodeClock clock)
    {
        _state = state;
        _views = views;
        _clock = clock;
        _self = Self;
        _peers = new PeerGate<IRouterMessage>(Context.System, NodeAddress.RouterName, Self);
        _timer = clock.Provider.CreateTimer(
            static self => ((IActorRef)self!).Tell(DeadlineTick.Instance),
            Self,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );

        On<AcceptForward>(Accept);
        On<GpuRelease>(Release);
        On<ForwardOutcome>(outcome => _state.Origin.End(outcome, NodeAddress.Of(Sender), _clock.Now));
        On<RouteForward>(Host);
        On<AbandonForward>(_state.Home.Abandon);
        On<CancelForward>(Cancel);
        On<DeadlineTick>(_ => Tick());
        On<GpuReport>(Update);
        On<NodeSnapshot>(Update);
        On<ResidencyPage>(_state.Members.Update);
        On<AskResidency>(ask => _state.Members.TellResidency(ask.From));
        On<GuiltyForwards>(guilty => _state.Origin.Suspects.UpdateFrom(guilty, _clock.Now));
        On<OwnSnapshot>(_state.Members.Publish);
        On<PeerUp>(Add);
        On<PeerUnreachable>(MarkUnreachable);
        On<PeerReachable>(MarkReachable);
        On<PeerGone>(Remove);
        On<DrainRouter>(Drain);
    }

    public static Props Props(RouterState state, ClusterViewHolder views, NodeClock clock) =>
        Akka.Actor.Props.Create<RouterActor>(state, views, clock);

    protected override bool Takes(object message) => message is IRouterMessage;

    protected override void PreStart() => Apply();

    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason, "The router failed at {0}; it goes on with what it has.", message.GetType().Name);
        _timer.Dispose();
    }

    protected override void PostStop()
    {
        _state.Batch.Drain();
        _state.Origin.Stop();
        Apply();
        _timer.Dispose();
        _state.Drained?.TrySetResult();
    }

    void IRouterShell.AnswerSink(IForwardSink sink, ForwardReply reply) => sink.Complete(reply);

    void IRouterShell.AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome) => origin.Answer(outcome);

    void IRouterShell.Dispatch(int ordinal, DispatchForward forward) => _state.Gpus[ordinal].Tell(forward, _self);

    void IRouterShell.Send(NodeId node, RouteForward route) => _peers.Tell(node, route);

    void IRouterShell.Drop(int ordinal, DropForward drop) => _state.Gpus[ordinal].Tell(drop, _self);

    void IRouterShell.Abandon(NodeId node, AbandonForward abandon) => _peers.Tell(node, abandon);

    void IRouterShell.Introduce(NodeId node, NodeSnapshot own) => _peers.Tell(node, own);

    void IRouterShell.TellResidency(NodeId node, IRouterMessage message) => _peers.Tell(node, message);

    void IRouterShell.TellGuilty(NodeId node, GuiltyForwards guilty) => _peers.Tell(node, guilty);

    void IRouterShell.AnswerModels(IReplyTo<ModelReply> asker, ModelReply reply) => asker.Answer(reply);

    void IRouterShell.PublishView(ClusterView view) => _views.View = view;

    public void Failed(in RouterDecision decision, Exception cause)
    {
        _log.Error(cause, "The router's {0} failed{1}.", decision.Action, decision.Reply is { } reply ? $" for forward {reply.Id}" : "");
        _state.Failed(decision, cause, _clock.Now);
    }

    private void On<TMessage>(Action<TMessage> handle) =>
        Receive<TMessage>(message =>
        {
            handle(message);
            if (_state.Batch.Count > 0)
            {
                _state.Batch.Admit(_clock.Now);
            }

            Apply();
        });

    private void Apply()
    {
        _state.Decisions.ApplyTo(this);
        if (_state.Open == 0)
        {
            _state.Drained?.TrySetResult();
        }
        else if (!_ticking)
        {
            // The timer runs only while there are deadlines; it ends with the first tick that finds none.
            _ticking = true;
            _timer.Change(DeadlineWheel.Tick, DeadlineWheel.Tick);
        }
    }

    private void Accept(AcceptForward accept)
    {
        if (accept.TryClaim())
        {
            if (accept.Forward.Class == ForwardClass.Batch)
            {
                _state.Batch.Accept(accept.Forward, accept, _clock.Now);
            }
            else
            {
                _state.Origin.Accept(accept.Forward, accept, _clock.Now);
            }
        }
    }

    private void Cancel(CancelForward cancel)
    {
        if (!_state.Batch.TryCancel(cancel.Id))
        {
            _state.Origin.Cancel(cancel.Id, _clock.Now);
        }
    }

    private void Release(GpuRelease release)
    {
        _state.Home.Release(release);
        _state.Origin.Release(release, _clock.Now);
    }

    private void Host(RouteForward route)
    {
        NodeId from = NodeAddress.Of(Sender);
        NodeIncarnation? life = _state.Table.Node(from)?.Snapshot.Incarnation;
        if (!_state.Origins.TryGetValue(from, out RouterOrigin? origin) || origin.Life != life)
        {
            origin = new RouterOrigin(from, life, _peers);
            _state.Origins[from] = origin;
        }

        _state.Home.Host(route, from, origin, _clock.Now);
    }

    private void Tick()
    {
        TimeSpan now = _clock.Now;
        _state.Origin.Tick(now);
        _state.Home.Tick(now);
        if (_state.Open == 0)
        {
            _ticking = false;
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private void Update(GpuReport report)
    {
        _state.Gpus[report.Gpu.Ordinal] = Sender;
        _state.Table.UpdateFrom(report);
        _state.Origin.Resume(_clock.Now);
    }

    private void Update(NodeSnapshot snapshot)
    {
        if (_state.Members.TryUpdate(snapshot, _clock.Now, out bool isReborn))
        {
            _peers.Learn(snapshot.Node, snapshot.Incarnation, Sender);
        }

        if (isReborn)
        {
            _log.Info("Node {0} has been started anew.", snapshot.Node);
        }
    }

    private void Add(PeerUp peer)
    {
        _log.Info("Node {0} is up.", peer.Node);
        _state.Members.Add(peer.Node, _clock.Now);
    }

    private void MarkUnreachable(PeerUnreachable peer)
    {
        _log.Warning("Node {0} cannot be reached.", peer.Node);
        _state.Members.MarkUnreachable(peer.Node, _clock.Now);
    }

    private void MarkReachable(PeerReachable peer)
    {
        _log.Info("Node {0} can be reached again.", peer.Node);
        _state.Members.MarkReachable(peer.Node, _clock.Now);
    }

    private void Remove(PeerGone peer)
    {
        _log.Info("Node {0} has left.", peer.Node);
        _state.Members.Remove(peer.Node, _clock.Now);
        _state.Origins.Remove(peer.Node);
        _peers.Forget(peer.Node);
    }

    private void Drain(DrainRouter drain)
    {
        _state.Drained = drain.Drained;
        _state.Batch.Drain();
        _state.Origin.Drain();
        _state.Home.Drain();
    }
}
