using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Tests.Modes;

/// <summary>A throw at each decision of two mode directories in turn: every request has its one answer, both hold the same in the end, and
/// their GPUs run under it.</summary>
public sealed class ModeDirectoryFailuresTests
{
    private const int Limit = 500;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public void Whichever_decision_throws_every_request_is_answered_once()
    {
        for (int at = 0; at < Limit; at++)
        {
            var cluster = new ModeCluster(nodes: 2, gpusPerNode: 1);
            int before = cluster.Plant.Count;
            cluster.Plant.At = before + at;
            List<ModeCluster.Request> requests = Run(cluster);
            int taken = cluster.Plant.Count - before;
            Assert.All(requests, request => Assert.Single(request.Replies));
            Assert.Equal(0, cluster.Nodes.Sum(node => node.Core.Open));
            Assert.Equal(cluster.Nodes[0].Core.InForce.Entries, cluster.Nodes[1].Core.InForce.Entries);
            Assert.All(cluster.Nodes, node => Assert.True(node.For(0).Settings.MultiDeviceSafe));
            if (taken <= at)
            {
                Assert.True(at >= 60, $"Only {at} decisions were taken.");
                return;
            }
        }

        Assert.Fail("The scenario does not end.");
    }

    private static List<ModeCluster.Request> Run(ModeCluster cluster)
    {
        List<ModeCluster.Request> requests = [];
        var graphs = new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment };
        Ask(0, new SetMode(ModeScope.Cluster, new ModeChange { MultiDeviceSafe = true }));
        Ask(1, new EnterMode(ModeScope.Cluster, graphs, Minute, "akka://owner"));
        ModeToken? token = (requests[^1].Replies.SingleOrDefault() as ModeReply.Entered)?.Token;
        if (token is { } entered)
        {
            Ask(0, new RenewMode(entered, Minute));
            Ask(1, new ExitMode(entered));
        }

        Ask(0, new OpenSession(Minute));
        if (requests[^1].Replies.SingleOrDefault() is ModeReply.SessionOpened opened)
        {
            Ask(1, new RenewSession(opened.Session, Minute));
            Ask(0, new CloseSession(opened.Session));
        }

        Ask(1, new GetModes(ModeScope.Cluster));
        Ask(0, new ExplainModes(ModeScope.Cluster));
        return requests;

        void Ask(int node, ModeRequest request)
        {
            requests.Add(cluster.Nodes[node].Ask(request));
            cluster.Settle(Minute);
        }
    }
}
