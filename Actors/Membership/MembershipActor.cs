using Akka.Actor;
using Akka.Cluster;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>Translates what Akka.Cluster says of members into what routers act on: up, unreachable, reachable, gone.</summary>
/// <remarks><b>Thread</b> its mailbox's. <b>Blocks</b> never. Acts at <i>unreachable</i>: <i>removed</i> comes seconds later.</remarks>
internal sealed class MembershipActor : ReceiveActor
{
    /// <summary>Members of this role have a router.</summary>
    public const string Role = "router";

    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly Doors _doors = Doors.Of(Context.System);
    private readonly IReadOnlyList<IActorRef> _listeners;

    public MembershipActor(IReadOnlyList<IActorRef> listeners)
    {
        _listeners = listeners;
        Receive<ClusterEvent.MemberUp>(up =>
        {
            LetIn(up.Member);
            Tell(up.Member, static node => new PeerUp(node));
        });
        Receive<ClusterEvent.UnreachableMember>(unreachable => Tell(unreachable.Member, static node => new PeerUnreachable(node)));
        Receive<ClusterEvent.ReachableMember>(reachable => Tell(reachable.Member, static node => new PeerReachable(node)));
        Receive<ClusterEvent.MemberRemoved>(removed =>
        {
            _doors.Remove(NodeAddress.Of(removed.Member.Address));
            Tell(removed.Member, static node => new PeerGone(node));
        });
        Receive<ClusterEvent.IMemberEvent>(changed => LetIn(changed.Member));
    }

    public static Props Props(params IReadOnlyList<IActorRef> listeners) => Akka.Actor.Props.Create<MembershipActor>(listeners);

    protected override void PreStart() =>
        _cluster.Subscribe(
            Self,
            ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
            typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.IReachabilityEvent)
        );

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    /// <summary>From the first that is known of it, which for all of a cluster is before it is up: nothing that it says is lost.</summary>
    private void LetIn(Member member)
    {
        if (member.HasRole(Role) && !member.Address.Equals(_cluster.SelfAddress))
        {
            _doors.Add(NodeAddress.Of(member.Address));
        }
    }

    private void Tell(Member member, Func<NodeId, IPeerNews> news)
    {
        if (!member.HasRole(Role))
        {
            return;
        }

        IPeerNews told = news(NodeAddress.Of(member.Address));
        bool isSelf = member.Address.Equals(_cluster.SelfAddress);
        if (isSelf && told is not PeerUp)
        {
            return;
        }

        foreach (IActorRef listener in _listeners)
        {
            listener.Tell(isSelf ? SelfUp.Instance : told, Self);
        }
    }
}
