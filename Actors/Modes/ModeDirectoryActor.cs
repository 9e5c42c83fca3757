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
/// <b>Owns</b> nothing: what it knows is in <see cref="ModeDirectoryState"/>, which survives a restart of the actor.
/// <b>Thread</b> its mailbox's. <b>Blocks</b> never.
/// News of members passes through it on its way to the router: a member that comes into reach is announced there only once both hold the
/// same modes.
/// </remarks>
internal sealed class ModeDirectoryActor : EntranceActor, IModeShell
{
    public const string Name = "modes";

    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(50);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ModeDirectoryState _state;
    private readonly ModeDirectoryCore _core;
    private readonly PeerGate<IModeDirectoryMessage> _peers;
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
        _clock = clock;
        _router = router;
        _self = Self;
        _peers = new PeerGate<IModeDirectoryMessage>(Context.System, Name, Self);
        _timer = clock.Provider.CreateTimer(static self => ((IActorRef)self!).Tell(ModeTick.Instance), Self, TickInterval, TickInterval);

        Receive<ModeRequest>(Request);

        Receive<PrepareModeChange>(prepare => Do(now => _core.Prepare(prepare, now)));
        Receive<ModeChangePrepared>(prepared => Do(now => _core.Prepared(prepared, now)));
        Receive<CommitModeChange>(commit => Do(now => _core.Commit(commit, now)));
        Receive<ModeChangeCommitted>(committed => Do(now => _core.Committed(committed, now)));
        Receive<CompareModes>(compare => Do(now => _core.Compare(compare, now)));
        Receive<ModePage>(page => Do(now => _core.Page(page, now)));

        Receive<GpuModesChecked>(prepared => Do(now => _core.Participant.Answered(prepared, now)));
        Receive<GpuModesApplied>(committed => Do(now => _core.Participant.Answered(committed, now)));
        Receive<GpusStarted>(AddGpus);

        Receive<SelfUp>(_ => Do(_core.Join));
        Receive<PeerUp>(AddPeer);
        Receive<PeerReachable>(AddPeer);
        Receive<PeerUnreachable>(RemovePeer);
        Receive<PeerGone>(RemovePeer);
        Receive<Terminated>(terminated => EndOwner(terminated.ActorRef));
        Receive<ModeTick>(_ => Do(_core.Tick));
    }

    public static Props Props(ModeDirectoryState state, NodeClock clock, IActorRef router, LocalCounts counts) =>
        Akka.Actor.Props.Create<ModeDirectoryActor>(state, clock, router, counts);

    protected override bool Takes(object message) => message is IModeDirectoryMessage;

    protected override void PreStart() => Apply();

    protected override void PreRestart(Exception reason, object message)
    {
        // The next one has a timer of its own.
        _timer.Dispose();
        _log.Error(reason, "The mode directory failed at {0}; it goes on with what it has.", message.GetType().Name);
    }

    protected override void PostStop() => _timer.Dispose();

    void IModeShell.Send(NodeId node, IModeDirectoryMessage message) => _peers.Tell(node, message);

    void IModeShell.Answer(IReplyTo<ModeReply> asker, ModeReply reply) => asker.Answer(reply);

    void IModeShell.TellGpu(GpuId gpu, IGpuModesRequest request)
    {
        if (_state.Gpus.TryGetValue(gpu.Ordinal, out IActorRef? actor))
        {
            actor.Tell(request, _self);
        }
    }

    void IModeShell.Watch(string owner)
    {
        // One that came with an entry and is on no member is not connected to: the entry ends with its lease.
        if (IsOnMember(owner))
        {
            _state.Owners[owner] = Context.Watch(((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(owner));
        }
    }

    void IModeShell.Unwatch(string owner)
    {
        if (_state.Owners.Remove(owner, out IActorRef? actor))
        {
            Context.Unwatch(actor);
        }
    }

    void IModeShell.Synchronized(NodeId peer)
    {
        if (_state.Announcements.Remove(peer, out List<IPeerNews>? news))
        {
            news.ForEach(announcement => _router.Tell(announcement, _self));
        }
    }

    void IModeShell.BecomeReady() => _log.Info("Modes are those of the cluster, at epoch {0}.", _core.InForce.Epoch);

    public void Failed(in ModeDecision decision, Exception cause)
    {
        _log.Error(cause, "The mode directory's {0} failed.", decision.GetType().Name);
        _core.Failed(decision);
    }

    private void Request(ModeRequest request)
    {
        var asker = new ActorReply<ModeReply>(Sender, _self);
        string? owner = (request as EnterMode)?.Owner ?? (request as OpenSession)?.Owner;
        if (owner is not null && !IsOnMember(owner))
        {
            asker.Answer(new ModeReply.Refused(FailureKind.InvalidRequest, $"The owner '{owner}' is no path of an actor of a member.", []));
            return;
        }

        Do(now => _core.Request(request, asker, now));
    }

    private bool IsOnMember(string owner)
    {
        Address own = ((ExtendedActorSystem)Context.System).Provider.DefaultAddress;
        return ActorPath.TryParse(owner, out ActorPath? path)
            && (path.Address.HasLocalScope || path.Address == own || Doors.IsMember(NodeAddress.Of(path.Address)));
    }

    private void AddGpus(GpusStarted started)
    {
        foreach ((int ordinal, IActorRef gpu) in started.Gpus)
        {
            _state.Gpus[ordinal] = gpu;
            _core.Participant.AddGpu(ordinal);
        }

        Apply();
    }

    private void AddPeer(IPeerNews news)
    {
        if (!_state.Announcements.TryGetValue(news.Node, out List<IPeerNews>? announcements))
        {
            _state.Announcements.Add(news.Node, announcements = []);
        }

        announcements.Add(news);
        Do(now => _core.PeerUp(news.Node, now));
    }

    private void RemovePeer(IPeerNews news)
    {
        bool gone = news is PeerGone;
        if (gone)
        {
            _state.Announcements.Remove(news.Node);
        }
        else if (_state.Announcements.TryGetValue(news.Node, out List<IPeerNews>? announcements))
        {
            // That it is a member is still to be told, once it can be reached.
            announcements.RemoveAll(announcement => announcement is PeerReachable);
        }

        _router.Tell(news, _self);
        Do(now => _core.PeerLost(news.Node, gone, now));
    }

    private void EndOwner(IActorRef owner)
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
        _counts.Modes = _core.Publish();
        Apply();
    }

    private void Apply() => _state.Decisions.ApplyTo(this);
}

/// <summary>The mode directory's own clock.</summary>
internal sealed class ModeTick : INoSerializationVerificationNeeded, IDeadLetterSuppression
{
    public static ModeTick Instance { get; } = new();
}
