using System.Net;

namespace Troupe.Cluster.Tests;

/// <summary>A node that warms up before it is ready, as one is started by default.</summary>
public sealed class WarmUpTests
{
    [Fact]
    public async Task A_node_is_ready_after_its_warm_up_and_nothing_of_it_shows()
    {
        string profile = Path.GetTempFileName();
        int port = ServingNode.FreePort();
        await using ServingNode node = new(profile, port, [$"127.0.0.1:{port}"], models: true, warmUp: true);
        try
        {
            node.Start();
            await node.IsReady();

            string[] log = node.Log().Split('\n');
            int warmed = Array.FindIndex(log, line => line.Contains(" warmed up: ", StringComparison.Ordinal));
            int up = Array.FindIndex(log, line => line.Contains(" is up: ", StringComparison.Ordinal));
            Assert.True(warmed >= 0, node.Log());
            Assert.True(up < 0 || up > warmed, node.Log());
            foreach (string path in (string[])["/v2/troupe/models", "/v2/troupe/nodes", "/v2/models/stats", "/v2/troupe/devices"])
            {
                string text = await node.Http.GetStringAsync(path, TestContext.Current.CancellationToken);
                Assert.DoesNotContain("warm-up", text, StringComparison.Ordinal);
            }

            using HttpResponseMessage gone = await node.Http.GetAsync("/v2/models/warm-up", TestContext.Current.CancellationToken);
            Assert.NotEqual(HttpStatusCode.OK, gone.StatusCode);
            Assert.Contains(
                "\"count\":0",
                await node.Http.GetStringAsync("/v2/models/fmnist/stats", TestContext.Current.CancellationToken),
                StringComparison.Ordinal
            );
            Assert.Equal(HttpStatusCode.OK, (await BoundedLoad.Ask(node)).Status);
        }
        finally
        {
            File.Delete(profile);
        }
    }
}
