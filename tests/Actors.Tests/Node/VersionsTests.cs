using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>Versions of one model on several nodes: which takes the forwards that name none.</summary>
public sealed class VersionsTests
{
    [Fact]
    public async Task A_version_loaded_on_one_node_takes_over_when_the_others_have_it_and_no_forward_fails()
    {
        await using InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(2), new FakePlatform(2), new FakePlatform(2));
        foreach (LocalNode node in cluster.Nodes)
        {
            await node.Load(number: 1);
        }

        await Known(cluster, number: 1, devices: 6);
        using var loading = new CancellationTokenSource();
        Task<int[]>[] callers = [.. cluster.Nodes.Select(node => Task.Run(() => CallAsync(node, loading.Token)))];
        for (int index = 0; index < 3; index++)
        {
            LocalNode node = cluster.Nodes[index];
            await node.Load(number: 2);
            await Known(cluster, number: 2, devices: 2 * (index + 1));
            foreach (LocalNode origin in cluster.Nodes)
            {
                Assert.Equal(index < 2 ? 1 : 2, (await origin.MustSucceed()).Report.Model.Number);
            }
        }

        await loading.CancelAsync();
        foreach (int[] taken in await Task.WhenAll(callers))
        {
            // From the one to the other, and never back.
            Assert.Equal(taken.Order(), taken);
            Assert.Equal(1, taken[0]);
        }
    }

    [Fact]
    public async Task What_is_said_on_one_node_holds_on_all_and_on_one_that_joins_before_it_takes_work()
    {
        await using InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(1), new FakePlatform(1));
        foreach (int number in (int[])[1, 2])
        {
            await cluster.Nodes[0].Load(number: number);
        }

        await Known(cluster, number: 2, devices: 1);
        Assert.IsType<ModeReply.Applied>(
            await cluster
                .Nodes[1]
                .Node.ModesAsync(
                    new SetMode(
                        new ModeScope(Model: new ModelReference("double")),
                        new ModeChange { Version = VersionChoice.Weighted((1, 1), (2, 1)) }
                    ),
                    TestContext.Current.CancellationToken
                )
        );
        LocalNode joiner = await cluster.Join(new FakePlatform(1));
        await Known(cluster, number: 2, devices: 1);
        foreach (LocalNode node in cluster.Nodes)
        {
            Assert.Equal("1=1,2=1", node.Node.VersionRuleOf("double").ToString());
            int[] taken =
            [
                .. (await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => node.MustSucceed()))).Select(one => one.Report.Model.Number),
            ];
            Assert.InRange(taken.Count(number => number == 2), 60, 140);
        }

        Assert.Equal("newest", joiner.Node.VersionRuleOf("another").ToString());
    }

    private static async Task<int[]> CallAsync(LocalNode node, CancellationToken until)
    {
        List<int> taken = [];
        while (!until.IsCancellationRequested)
        {
            ForwardReply.Succeeded succeeded = await node.MustSucceed();
            taken.Add(succeeded.Report.Model.Number);
        }

        return [.. taken];
    }

    private static Task Known(InProcessCluster cluster, int number, int devices) =>
        LocalNode.Eventually(() =>
            cluster.Nodes.All(node =>
                node.Node.View.Nodes.SelectMany(known => known.Models)
                    .Where(model => model.Model.Number == number)
                    .Sum(model => model.Gpus.Length) == devices
            )
        );
}
