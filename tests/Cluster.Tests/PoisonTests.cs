using System.Net;
using System.Text;

namespace Troupe.Cluster.Tests;

/// <summary>A request that ends the process of whatever runs it: division of the least integer by minus one, SIGFPE in ONNX
/// Runtime.</summary>
public sealed class PoisonTests
{
    [Fact]
    public async Task One_request_ends_at_most_two_processes_its_second_sending_none_and_good_ones_go_on()
    {
        await using ServingCluster cluster = ServingCluster.Of(ServingNode.Poison, false, true, true, true);
        ServingNode entry = cluster.Nodes[0];
        foreach (ServingNode node in cluster.Nodes)
        {
            node.Start();
        }

        foreach (ServingNode node in cluster.Nodes)
        {
            await node.Sees(model: false, cluster.Nodes);
            await node.Eventually(async () => (await Divide(node, 6, 3)).Status == HttpStatusCode.OK, $"{node.Control} divides");
        }

        (HttpStatusCode status, string text) = await Divide(entry, int.MinValue, -1);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        ServingNode[] dead = [.. cluster.Nodes.Where(node => node.HasExited)];
        Assert.Equal(2, dead.Length);
        Assert.All(dead, node => Assert.Contains(node.Control, text, StringComparison.Ordinal));

        Assert.Equal(HttpStatusCode.OK, (await Divide(entry, 6, 3)).Status);
        (status, text) = await Divide(entry, int.MinValue, -1);
        Assert.Equal(HttpStatusCode.InternalServerError, status);
        Assert.All(dead, node => Assert.Contains(node.Control, text, StringComparison.Ordinal));
        ServingNode last = cluster.Nodes.Single(node => node != entry && !node.HasExited);
        Assert.Equal(HttpStatusCode.InternalServerError, (await Divide(last, int.MinValue, -1)).Status);
        Assert.Equal(2, cluster.Nodes.Count(node => node.HasExited));
        Assert.Equal(HttpStatusCode.OK, (await Divide(entry, 6, 3)).Status);
        Assert.Equal(HttpStatusCode.OK, (await Divide(last, 6, 3)).Status);
    }

    private static async Task<(HttpStatusCode Status, string Text)> Divide(ServingNode node, int a, int b)
    {
        using var body = new StringContent(
            $$"""
            {"inputs":[{"name":"a","shape":[1],"datatype":"INT32","data":[{{a}}]},{"name":"b","shape":[1],"datatype":"INT32","data":[{{b}}]}]}
            """,
            Encoding.UTF8,
            "application/json"
        );
        using HttpResponseMessage response = await node.Http.PostAsync(
            "/v2/models/div32/infer",
            body,
            TestContext.Current.CancellationToken
        );
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
