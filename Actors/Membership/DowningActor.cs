using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using Troupe.Actors.Decisions;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>Downs one side of a partition once the picture of members has been the same for <c>troupe.downing.stable-after</c>.</summary>
/// <remarks><b>Owns</b> a <see cref="DowningCore"/> and the picture. <b>Thread</b> its mailbox's. <b>Blocks</b> never. Every node decides
/// for itself; the decision is the same on each node of a side.</remarks>
internal sealed class DowningActor : ReceiveActor, IDowningShell, IWithTimers
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly DecisionQueue<DownMember, IDowningShell> _decisions = new();
    private readonly DowningCore _core;
    private readonly string _role;
    private readonly TimeSpan _stableAfter;
    private readonly Cluster _cluster;
    private readonly Dictionary<Address, Member> _members = [];
    private readonly HashSet<Address> _unreachable = [];

    public DowningActor(int majorityFrom, string role, TimeSpan stableAfter, Cluster cluster)
    {
        _core = new DowningCore(majorityFrom, _decisions);
        _role = role;
        _stableAfter = stableAfter;
        _cluster = cluster;

        Receive<ClusterEvent.UnreachableMember>(unreachable =>
        {
            _members[unreachable.Member.Address] = unreachable.Member;
            _unreachable.Add(unreachable.Member.Address);
            Wait();
        });
        Receive<ClusterEvent.ReachableMember>(reachable =>
        {
            _unreachable.Remove(reachable.Member.Address);
            Wait();
        });
        Receive<ClusterEvent.MemberRemoved>(removed =>
        {
            _members.Remove(removed.Member.Address);
            _unreachable.Remove(removed.Member.Address);
            Wait();
        });
        Receive<ClusterEvent.IMemberEvent>(changed =>
        {
            _members[changed.Member.Address] = changed.Member;
            Wait();
        });
        Receive<Stable>(_ => Decide());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(int majorityFrom, string role, TimeSpan stableAfter, Cluster cluster) =>
        Akka.Actor.Props.Create<DowningActor>(majorityFrom, role, stableAfter, cluster);

    protected override void PreStart() =>
        _cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.IReachabilityEvent)
        );

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    void IDowningShell.Down(NodeId member) => _cluster.Down(_members.Keys.First(address => NodeAddress.Of(address) == member));

    public void Failed(in DownMember decision, Exception cause)
    {
        _log.Error(cause, "Node {0} could not be declared down.", decision.Member);
        _core.Failed(decision);
    }

    private void Wait()
    {
        if (_unreachable.Count > 0)
        {
            Timers.StartSingleTimer(Stable.Instance, Stable.Instance, _stableAfter);
        }
        else
        {
            Timers.Cancel(Stable.Instance);
        }
    }

    private void Decide()
    {
        // Members that are not up yet, or already down, have no say.
        List<NodeId> routers =
        [
            .. _members
                .Values.Where(member =>
                    member.HasRole(_role) && member.Status is MemberStatus.Up or MemberStatus.Leaving or MemberStatus.Exiting
                )
                .Select(member => NodeAddress.Of(member.Address)),
        ];
        List<NodeId> unreachable = [.. _unreachable.Select(NodeAddress.Of)];
        DowningVerdict verdict = _core.Decide([.. _members.Keys.Select(NodeAddress.Of)], routers, unreachable);
        if (verdict == DowningVerdict.Wait)
        {
            return;
        }

        bool self = verdict == DowningVerdict.DownReachable;
        _log.Warning(
            "{0} of {1} router nodes cannot be reached; this side {2}.",
            unreachable.Count,
            routers.Count,
            self ? "is the smaller one and ends" : "goes on without them"
        );
        _decisions.ApplyTo(this);
        Wait();
    }

    /// <summary>The picture has not changed for as long as it takes.</summary>
    private sealed class Stable : INoSerializationVerificationNeeded, IDeadLetterSuppression
    {
        public static Stable Instance { get; } = new();
    }
}
