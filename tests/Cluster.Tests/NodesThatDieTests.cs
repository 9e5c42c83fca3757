using System.Net;
using System.Text;

namespace Troupe.Cluster.Tests;

/// <summary>Processes of the <c>troupe</c> executable on loopback: found, killed, come back.</summary>
public sealed class NodesThatDieTests
{
    [Fact]
    public async Task Each_of_two_nodes_is_killed_under_load_and_comes_back()
    {
        await using var cluster = new ServingCluster(false, true);
        ServingNode routes = cluster.Nodes[0];
        ServingNode serves = cluster.Nodes[1];
        await cluster.Start();

        // Inference through the node without the model; a body too large for a message is refused, and the next is not.
        Assert.Equal(HttpStatusCode.OK, (await BoundedLoad.Ask(routes)).Status);
        await LargeForwardIsRefused(routes);
        Assert.Equal(HttpStatusCode.OK, (await BoundedLoad.Ask(routes)).Status);

        // The one with the model dies: every request has its answer, past downing too.
        await using (var load = new BoundedLoad(routes))
        {
            await load.MoreSuccesses(20);
            await serves.Kill();
            await routes.Sees(model: false, routes);
            serves.Start();
            await load.MoreSuccesses(20);
            await load.Stop();
            load.EveryRequestWasAnswered();
            Assert.Contains(load.Answers, answer => answer.Status != HttpStatusCode.OK);
        }

        // Then the other: the survivor has the model and misses nothing.
        await routes.Sees(model: true, cluster.Nodes);
        await serves.Sees(model: true, cluster.Nodes);
        await using (var load = new BoundedLoad(serves))
        {
            await load.MoreSuccesses(20);
            await routes.Kill();
            await serves.Sees(model: true, serves);
            routes.Start();
            await routes.Sees(model: true, cluster.Nodes);
            await load.Stop();
            load.EveryRequestWasAnswered();
            Assert.All(load.Answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        }

        Assert.Equal(HttpStatusCode.OK, (await BoundedLoad.Ask(routes)).Status);
    }

    [Fact]
    public async Task A_node_that_is_told_to_stop_leaves_and_loses_nothing()
    {
        await using var cluster = new ServingCluster(false, true, true);
        ServingNode routes = cluster.Nodes[0];
        await cluster.Start();
        await using var load = new BoundedLoad(routes, callers: 4);
        await load.MoreSuccesses(20);
        Assert.Equal(0, await cluster.Nodes[1].Terminate());
        await routes.Sees(model: true, routes, cluster.Nodes[2]);
        await load.MoreSuccesses(10);
        await load.Stop();
        load.EveryRequestWasAnswered();
        Assert.All(load.Answers, answer => Assert.True(answer.Status == HttpStatusCode.OK, answer.Text));
    }

    private static async Task LargeForwardIsRefused(ServingNode routes)
    {
        string zeros = string.Join(',', Enumerable.Repeat("0", 128 * 128 * 3));
        using var body = new StringContent(
            $$"""{"inputs":[{"name":"input:0","shape":[1,128,128,3],"datatype":"FP32","data":[{{zeros}}]}]}""",
            Encoding.UTF8,
            "application/json"
        );
        using HttpResponseMessage response = await routes.Http.PostAsync(
            "/v2/models/blazeface/infer",
            body,
            TestContext.Current.CancellationToken
        );
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.False(response.IsSuccessStatusCode);
        Assert.Contains("196608", text, StringComparison.Ordinal);
        Assert.Contains("65536", text, StringComparison.Ordinal);
    }
}
