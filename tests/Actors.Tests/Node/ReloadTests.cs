using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>Content of a version is replaced under load, on one node and on one node after another: no forward fails, and none is run by
/// what is let go.</summary>
public sealed class ReloadTests
{
    private const int Callers = 16;

    [Fact]
    public async Task No_forward_fails_while_a_version_is_replaced_on_several_devices()
    {
        using var platform = new FakePlatform(3);
        await using LocalNode local = LocalNode.Start(platform);
        ModelReply.Loaded loaded = await local.Load(path: "content 0");
        await UnderLoad(
            [local],
            async () =>
            {
                for (int i = 1; i <= 5; i++)
                {
                    ContentHash old = loaded.Model.Hash;
                    loaded = Assert.IsType<ModelReply.Loaded>(await Replace(local, $"content {i}", old));
                    Assert.NotEqual(old, loaded.Model.Hash);
                    Assert.Equal(3, loaded.Gpus.Length);
                }
            }
        );
        await OnlyLive(platform, loaded.Model.Hash, 3);
    }

    [Fact]
    public async Task A_forward_that_is_launched_ends_where_it_began_and_those_that_come_later_take_the_newer_content()
    {
        using var platform = new FakePlatform(1) { CompleteAtOnce = false };
        await using LocalNode local = LocalNode.Start(platform);
        ModelReply.Loaded loaded = await local.Load(path: "old");
        RequestId before = local.Send();
        await LocalNode.Eventually(() => platform.Instances[0].Busy.Count == 1);
        Assert.IsType<ModelReply.Loaded>(await Replace(local, "new", loaded.Model.Hash));
        RequestId after = local.Send();
        await LocalNode.Eventually(() => platform.Instances[1].Busy.Count == 1);
        Assert.Equal(2, platform.Live);
        platform.Instances[1].Busy[0].Complete();
        Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(after));
        Assert.Equal(2, platform.Live);
        platform.Instances[0].Busy[0].Complete();
        Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(before));
        await LocalNode.Eventually(() => platform.Live == 1);
    }

    [Fact]
    public async Task No_forward_fails_while_one_node_after_another_replaces_a_version()
    {
        FakePlatform[] platforms = [new(2), new(2), new(2)];
        await using InProcessCluster cluster = await InProcessCluster.Start(platforms);
        ContentHash old = default;
        foreach (LocalNode node in cluster.Nodes)
        {
            old = (await node.Load(path: "old")).Model.Hash;
        }

        foreach (LocalNode node in cluster.Nodes)
        {
            await Know(cluster, node.Node.Id, old);
        }

        ContentHash newer = default;
        await UnderLoad(
            cluster.Nodes,
            async () =>
            {
                foreach (LocalNode node in cluster.Nodes)
                {
                    newer = Assert.IsType<ModelReply.Loaded>(await Replace(node, "new", old)).Model.Hash;
                    await Know(cluster, node.Node.Id, newer);
                }
            }
        );
        foreach (FakePlatform platform in platforms)
        {
            await OnlyLive(platform, newer, 2);
        }
    }

    private static Task<ModelReply> Replace(LocalNode node, string path, params ContentHash[] replaces) =>
        node.Node.LoadAsync(new LoadModel("double", Path: path, Replaces: replaces), node: null, TestContext.Current.CancellationToken);

    private static Task Know(InProcessCluster cluster, NodeId id, ContentHash content) =>
        LocalNode.Eventually(() =>
            cluster.Nodes.All(node =>
                node.Node.View.Nodes.Any(known => known.Node == id && known.Models.Any(model => model.Model.Hash == content))
            )
        );

    private static Task OnlyLive(FakePlatform platform, ContentHash content, int devices) =>
        LocalNode.Eventually(() =>
            platform.Live == devices && platform.Instances.Where(one => !one.Disposed).All(one => one.Module.Model.Hash == content)
        );

    /// <summary>Callers that each send one forward after another until the change is done; all of them succeed.</summary>
    private static async Task UnderLoad(IReadOnlyList<LocalNode> nodes, Func<Task> change)
    {
        bool isDone = false;
        Task<int>[] callers =
        [
            .. Enumerable
                .Range(0, Callers)
                .Select(caller =>
                    Task.Run(async () =>
                    {
                        LocalNode node = nodes[caller % nodes.Count];
                        int sent = 0;
                        while (!Volatile.Read(ref isDone) || sent == 0)
                        {
                            ForwardReply reply = await node.Sink.Reply(node.Send(value: (byte)caller));
                            Assert.Equal((byte)(caller * 2), Assert.IsType<ForwardReply.Succeeded>(reply).Outputs[0].Data.Span[0]);
                            sent++;
                        }

                        return sent;
                    })
                ),
        ];
        await change();
        Volatile.Write(ref isDone, true);
        Assert.All(await Task.WhenAll(callers), sent => Assert.True(sent > 0));
    }
}
