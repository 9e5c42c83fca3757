using System.Security.Cryptography;
using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Counts;
using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Modes;

/// <summary>One node's mode directory: takes the mode conversation of its clients and talks to the directories of the other
/// members.</summary>
/// <remarks>
/// <b>Owns</b> a <see cref="ModeDirectoryCore"/>, which survives a restart of the actor. <b>Thread</b> its mailbox's. <b>Blocks</b> never.
/// News of members passes through it on its way to the router: a member that comes into reach is announced there only once both hold the
/// same modes.
/// </remarks>
internal sealed class ModeDirectoryActor : ReceiveActor
{
    public const string Name = "modes";

    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(50);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ModeDirectoryState _state;
    private readonly ModeDirectoryCore _core;
    private readonly List<ModeDecision> _decisions;
    private readonly NodeClock _clock;
    private readonly IActorRef _router;
    private readonly ITimer _timer;
    private readonly IActorRef _self;
    private readonly LocalCounts _counts;

    public ModeDirectoryActor(ModeDirectoryState state, NodeClock clock, IActorRef router, LocalCounts counts)
    {
        _counts = counts;
        _state = state;
        _core = state.Core;
        _decisions = state.Decisions;
        _clock = clock;
        _router = router;
        _self = Self;
        _timer = clock.Provider.CreateTimer(static self => ((IActorRef)self!).Tell(ModeTick.Instance), Self, TickInterval, TickInterval);

        Receive<SetMode>(request => Do(now => _core.Set(request, Sender, now)));
        Receive<EnterMode>(request => Owned(request.Owner, now => _core.Enter(request, Sender, now)));
        Receive<RenewMode>(request => Do(now => _core.Renew(request, Sender, now)));
        Receive<ExitMode>(request => Do(now => _core.Exit(request, Sender, now)));
        Receive<GetModes>(request => Do(now => _core.Get(request, Sender, now)));
        Receive<ExplainModes>(request => Do(now => _core.Explain(request, Sender, now)));
        Receive<OpenSession>(request => Owned(request.Owner, now => _core.OpenSession(request, Sender, now)));
        Receive<RenewSession>(request => Do(now => _core.RenewSession(request, Sender, now)));
        Receive<CloseSession>(request => Do(now => _core.CloseSession(request, Sender, now)));

        Receive<PrepareModeChange>(prepare => Do(now => _core.Prepare(prepare, now)));
        Receive<ModeChangePrepared>(prepared => Do(now => _core.Prepared(prepared, now)));
        Receive<CommitModeChange>(commit => Do(now => _core.Commit(commit, now)));
        Receive<ModeChangeCommitted>(committed => Do(now => _core.Committed(committed, now)));
        Receive<CompareModes>(compare => Do(now => _core.Compare(compare, now)));
        Receive<ModePage>(page => Do(now => _core.Page(page, now)));

        Receive<ModesPrepared>(prepared => Do(now => _core.Participant.Answered(prepared, now)));
        Receive<ModesCommitted>(committed => Do(now => _core.Participant.Answered(committed, now)));
        Receive<GpusStarted>(Meet);

        Receive<SelfUp>(_ => Do(_core.Join));
        Receive<PeerUp>(peer => Reach(peer.Node, peer));
        Receive<PeerReachable>(peer => Reach(peer.Node, peer));
        Receive<PeerUnreachable>(peer => Lose(peer.Node, gone: false, peer));
        Receive<PeerGone>(peer => Lose(peer.Node, gone: true, peer));
        Receive<Terminated>(terminated => Die(terminated.ActorRef));
        Receive<ModeTick>(_ => Do(_core.Tick));
    }

    public static Props Props(ModeDirectoryState state, NodeClock clock, IActorRef router, LocalCounts counts) =>
        Akka.Actor.Props.Create<ModeDirectoryActor>(state, clock, router, counts);

    /// <summary>What a directory keeps over a restart of its actor.</summary>
    public static ModeDirectoryState StateOf(
        NodeId self,
        NodeIncarnation incarnation,
        ModeDirectoryOptions options,
        ClusterViewHolder views
    )
    {
        var decisions = new List<ModeDecision>();
        return new ModeDirectoryState(
            new ModeDirectoryCore(
                self,
                incarnation,
                options,
                () => views.View,
                static () => new Guid(RandomNumberGenerator.GetBytes(16)),
                decisions
            ),
            decisions
        );
    }

    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason, "The mode directory failed at {0}; it goes on with what it has.", message.GetType().Name);
        _decisions.Clear();
    }

    protected override void PostStop() => _timer.Dispose();

    private void Meet(GpusStarted started)
    {
        foreach ((int ordinal, IActorRef gpu) in started.Gpus)
        {
            _state.Gpus[ordinal] = gpu;
            _core.Participant.AddGpu(ordinal);
        }

        Perform();
    }

    private void Reach(NodeId node, object news)
    {
        if (!_state.Announcements.TryGetValue(node, out List<object>? announcements))
        {
            _state.Announcements.Add(node, announcements = []);
        }

        announcements.Add(news);
        Do(now => _core.PeerUp(node, now));
    }

    private void Lose(NodeId node, bool gone, object news)
    {
        if (gone)
        {
            _state.Announcements.Remove(node);
        }
        else if (_state.Announcements.TryGetValue(node, out List<object>? announcements))
        {
            // That it is a member is still to be told, once it can be reached.
            announcements.RemoveAll(announcement => announcement is PeerReachable);
        }

        _router.Tell(news, _self);
        Do(now => _core.PeerLost(node, gone, now));
    }

    private void Owned(string? owner, Action<TimeSpan> request)
    {
        if (owner is not null && !ActorPath.TryParse(owner, out _))
        {
            Sender.Tell(new ModeReply.Refused(FailureKind.InvalidRequest, $"The owner '{owner}' is no path of an actor.", []), _self);
            return;
        }

        Do(request);
    }

    private void Die(IActorRef owner)
    {
        foreach ((string path, IActorRef watched) in _state.Owners)
        {
            if (watched.Equals(owner))
            {
                _state.Owners.Remove(path);
                Do(now => _core.OwnerDied(path, now));
                return;
            }
        }
    }

    private void Do(Action<TimeSpan> action)
    {
        action(_clock.Now);
        _counts.Modes = _core.Counts();
        Perform();
    }

    private void Perform()
    {
        for (int i = 0; i < _decisions.Count; i++)
        {
            Perform(_decisions[i]);
        }

        _decisions.Clear();
    }

    private void Perform(ModeDecision decision)
    {
        switch (decision)
        {
            case ModeDecision.Send send:
                Context
                    .ActorSelection(
                        new RootActorPath(NodeAddress.Of(send.To, ((ExtendedActorSystem)Context.System).Provider.DefaultAddress))
                            / "user"
                            / Name
                    )
                    .Tell(send.Message, _self);
                break;
            case ModeDecision.Answer answer:
                ((IActorRef)answer.ReplyTo).Tell(answer.Reply, _self);
                break;
            case ModeDecision.TellGpu tell when _state.Gpus.TryGetValue(tell.Gpu.Ordinal, out IActorRef? gpu):
                gpu.Tell(tell.Message, _self);
                break;
            case ModeDecision.Watch watch:
                _state.Owners[watch.Owner] = Context.Watch(((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(watch.Owner));
                break;
            case ModeDecision.Unwatch unwatch when _state.Owners.Remove(unwatch.Owner, out IActorRef? owner):
                Context.Unwatch(owner);
                break;
            case ModeDecision.Synchronized synchronized when _state.Announcements.Remove(synchronized.Peer, out List<object>? news):
                news.ForEach(announcement => _router.Tell(announcement, _self));
                break;
            case ModeDecision.Ready:
                _log.Info("Modes are those of the cluster, at epoch {0}.", _core.InForce.Epoch);
                break;
        }
    }
}

/// <summary>The mode directory's own clock.</summary>
internal sealed class ModeTick : INoSerializationVerificationNeeded, IDeadLetterSuppression
{
    public static ModeTick Instance { get; } = new();
}
