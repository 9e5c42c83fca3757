using System.Net;
using System.Text;
using System.Text.Json;

namespace Troupe.Cluster.Tests;

/// <summary>The native executable as it is published: one file beside ONNX Runtime's libraries and <c>akka.hocon</c>, alone and as two
/// nodes.</summary>
public sealed class NativeNodesTests
{
    [Fact]
    public void Nothing_but_the_executable_the_libraries_and_akkas_settings_is_published()
    {
        string[] files = [.. Directory.EnumerateFiles(Path.GetDirectoryName(NativeFile.Path)!, "*", SearchOption.AllDirectories)];
        Assert.Equal(
            ["akka.hocon", "troupe"],
            files.Select(file => Path.GetFileName(file)).Where(name => !name.StartsWith("libonnxruntime", StringComparison.Ordinal)).Order()
        );
    }

    [Fact]
    public async Task The_demo_classifies_its_pictures_as_ONNX_Runtime_itself_does()
    {
        (int exit, string output, string error) = await NativeFile.Run(NativeFile.Path, ["demo", "--json"]);
        Assert.True(exit == 0, $"{exit}: {error}");
        Assert.Empty(error);
        using JsonDocument result = JsonDocument.Parse(output);
        Assert.Equal(200, result.RootElement.GetProperty("total").GetInt32());
        Assert.Equal(0, result.RootElement.GetProperty("mismatches").GetInt32());
    }

    [Fact]
    public async Task The_libraries_may_lie_elsewhere()
    {
        DirectoryInfo alone = Directory.CreateTempSubdirectory("troupe-alone-");
        try
        {
            string copy = Path.Combine(alone.FullName, "troupe");
            File.Copy(NativeFile.Path, copy);

            (int lost, _, string problem) = await NativeFile.Run(copy, ["demo", "--json"], ("TROUPE_NATIVE_LIBRARIES", alone.FullName));
            Assert.NotEqual(0, lost);
            Assert.Contains("TROUPE_NATIVE_LIBRARIES", problem, StringComparison.Ordinal);

            (int found, string output, string error) = await NativeFile.Run(
                copy,
                ["demo", "--json"],
                ("TROUPE_NATIVE_LIBRARIES", Path.GetDirectoryName(NativeFile.Path)!)
            );
            Assert.True(found == 0, error);
            Assert.Contains("\"mismatches\":0", output, StringComparison.Ordinal);
        }
        finally
        {
            alone.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Two_nodes_answer_for_each_other_and_acknowledge_a_mode()
    {
        await using ServingCluster cluster = new(NativeFile.Path, true, false);
        (ServingNode serves, ServingNode routes) = (cluster.Nodes[0], cluster.Nodes[1]);
        await cluster.Start();

        BoundedLoad.Answer answer = await BoundedLoad.Ask(routes);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);

        using StringContent body = new("""{"modes":{"cuda_graphs":"per_segment"}}""", Encoding.UTF8, "application/json");
        using HttpResponseMessage entered = await serves.Http.PostAsync(
            "/v2/troupe/modes/enter",
            body,
            TestContext.Current.CancellationToken
        );
        string text = await entered.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(entered.IsSuccessStatusCode, text);
        using JsonDocument change = JsonDocument.Parse(text);
        Assert.Equal(
            cluster.Nodes.Select(node => $"{node.Control}/0").Order(StringComparer.Ordinal),
            change.RootElement.GetProperty("applied_by").EnumerateArray().Select(gpu => gpu.GetString()!).Order(StringComparer.Ordinal)
        );

        string seen = await routes.Http.GetStringAsync("/v2/troupe/modes", TestContext.Current.CancellationToken);
        Assert.Contains(change.RootElement.GetProperty("token").GetString()!, seen, StringComparison.Ordinal);
        answer = await BoundedLoad.Ask(routes);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        Assert.All(cluster.Nodes, node => Assert.DoesNotContain("rror", WithoutWaiting(node.Log()), StringComparison.Ordinal));
        Assert.Equal(0, await routes.Terminate());
    }

    /// <summary>Whichever node is up first asks the other, whose port is not open yet, and Akka says so.</summary>
    private static string WithoutWaiting(string log) =>
        string.Join('\n', log.Split('\n').Where(line => !line.Contains("AssociationError", StringComparison.Ordinal)));
}
