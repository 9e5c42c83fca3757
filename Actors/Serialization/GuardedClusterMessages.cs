using Akka.Actor;
using Akka.Cluster.Serialization;

namespace Troupe.Actors.Serialization;

/// <summary>Of Akka.Cluster's messages joining, gossip and heartbeats: that a member shall leave or is down every node says to itself
/// alone.</summary>
/// <remarks><b>Thread</b> any.</remarks>
public sealed class GuardedClusterMessages(ExtendedActorSystem system)
    : GuardedSerializer(
        system,
        5,
        new ClusterMessageSerializer(system),
        [
            "Akka.Cluster.InternalClusterAction+Join, Akka.Cluster",
            "Akka.Cluster.InternalClusterAction+Welcome, Akka.Cluster",
            "Akka.Cluster.InternalClusterAction+InitJoin, Akka.Cluster",
            "Akka.Cluster.InternalClusterAction+InitJoinAck, Akka.Cluster",
            "Akka.Cluster.InternalClusterAction+InitJoinNack, Akka.Cluster",
            "Akka.Cluster.InternalClusterAction+ExitingConfirmed, Akka.Cluster",
            "Akka.Cluster.GossipStatus, Akka.Cluster",
            "Akka.Cluster.GossipEnvelope, Akka.Cluster",
            "HB",
            "HBR",
        ]
    );
