using Akka.Actor;
using Akka.Cluster;

namespace Troupe.Actors.Membership;

/// <summary>Translates what Akka.Cluster says of members into what routers act on: up, unreachable, reachable, gone.</summary>
/// <remarks><b>Thread</b> its mailbox's. <b>Blocks</b> never. Acts at <i>unreachable</i>: <i>removed</i> comes seconds later.</remarks>
internal sealed class MembershipActor : ReceiveActor
{
    /// <summary>Members of this role have a router.</summary>
    public const string Role = "router";

    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly IReadOnlyList<IActorRef> _listeners;

    public MembershipActor(IReadOnlyList<IActorRef> listeners)
    {
        _listeners = listeners;
        Receive<ClusterEvent.MemberUp>(up =>
            Tell(
                up.Member,
                address => new PeerUp(
                    NodeAddress.Of(address),
                    Context.ActorSelection(new RootActorPath(address) / "user" / NodeAddress.RouterName)
                )
            )
        );
        Receive<ClusterEvent.UnreachableMember>(unreachable =>
            Tell(unreachable.Member, address => new PeerUnreachable(NodeAddress.Of(address)))
        );
        Receive<ClusterEvent.ReachableMember>(reachable => Tell(reachable.Member, address => new PeerReachable(NodeAddress.Of(address))));
        Receive<ClusterEvent.MemberRemoved>(removed => Tell(removed.Member, address => new PeerGone(NodeAddress.Of(address))));
        Receive<ClusterEvent.IMemberEvent>(_ => { });
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

    private void Tell(Member member, Func<Address, object> message)
    {
        if (!member.HasRole(Role))
        {
            return;
        }

        object told = message(member.Address);
        if (member.Address.Equals(_cluster.SelfAddress))
        {
            if (told is not PeerUp)
            {
                return;
            }

            told = SelfUp.Instance;
        }

        foreach (IActorRef listener in _listeners)
        {
            listener.Tell(told, Self);
        }
    }
}
