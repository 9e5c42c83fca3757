using Akka.Actor;
using Akka.Cluster;
using Troupe.Messages.Identity;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>Several nodes in this process, joined over loopback, each on its own actor system, with fast failure detection.</summary>
internal sealed class InProcessCluster : IAsyncDisposable
{
    private const string Profile = """
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.actor.provider = cluster
        akka.remote.dot-netty.tcp.hostname = 127.0.0.1
        akka.remote.dot-netty.tcp.port = 0
        akka.cluster.failure-detector.heartbeat-interval = 200ms
        akka.cluster.failure-detector.acceptable-heartbeat-pause = 1s
        akka.cluster.failure-detector.expected-response-after = 200ms
        akka.cluster.unreachable-nodes-reaper-interval = 200ms
        akka.cluster.gossip-interval = 200ms
        akka.cluster.leader-actions-interval = 200ms
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        troupe.downing.stable-after = 1s
        """;

    private InProcessCluster(IReadOnlyList<LocalNode> nodes) => Nodes = nodes;

    public IReadOnlyList<LocalNode> Nodes { get; private set; }

    public static async Task<InProcessCluster> Start(params IReadOnlyList<IPlatform> platforms)
    {
        var nodes = new List<LocalNode>();
        Address? seed = null;
        foreach (IPlatform platform in platforms)
        {
            LocalNode node = LocalNode.Start(platform, profile: Profile);
            nodes.Add(node);
            Cluster cluster = Cluster.Get(node.System);
            seed ??= cluster.SelfAddress;
            await cluster
                .JoinAsync(seed, TestContext.Current.CancellationToken)
                .WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        }

        var joined = new InProcessCluster(nodes);
        await LocalNode.Eventually(() => nodes.All(node => node.Node.View.Nodes.Count == platforms.Count));
        return joined;
    }

    /// <summary>One more node, which all the others know when this returns.</summary>
    public async Task<LocalNode> Join(IPlatform platform)
    {
        LocalNode node = LocalNode.Start(platform, profile: Profile);
        Nodes = [.. Nodes, node];
        await Cluster
            .Get(node.System)
            .JoinAsync(Cluster.Get(Nodes[0].System).SelfAddress, TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        await LocalNode.Eventually(() => Nodes.All(known => known.Node.View.Nodes.Count == Nodes.Count));
        return node;
    }

    /// <summary>The two have heard of each other's models.</summary>
    public static Task Knows(LocalNode node, NodeId other, string model) =>
        LocalNode.Eventually(() =>
            node.Node.View.Nodes.Any(known =>
                known.Node == other && known.Models.Any(entry => entry.Model.Name == model && entry.Gpus.Length > 0)
            )
        );

    public async ValueTask DisposeAsync()
    {
        foreach (LocalNode node in Nodes)
        {
            await node.DisposeAsync();
        }
    }
}
