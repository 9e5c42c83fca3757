using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Tests.Simulation;

/// <summary>Planted poison: whatever a content ends, it ends at most two of, and nobody else pays for it.</summary>
public sealed class PoisonTests(ITestOutputHelper output)
{
    private const int Runs = 12;
    private const int Forwards = 1200;

    [Theory]
    [InlineData(CrashDomain.Executor)]
    [InlineData(CrashDomain.Device)]
    public void A_poisonous_content_costs_at_most_two_losses_and_nobody_else_anything(CrashDomain domain)
    {
        int first = Random.Shared.Next();
        output.WriteLine($"first seed {first}");
        for (int run = 0; run < Runs; run++)
        {
            try
            {
                Run(unchecked(first + run), domain);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"seed {unchecked(first + run)}, {domain}: {exception.Message}", exception);
            }
        }
    }

    [Fact]
    public void A_poisonous_content_ends_at_most_two_of_three_processes_and_its_second_sending_none()
    {
        var cluster = new PoisonedCluster(1, CrashDomain.Process, 0, 4, 4, 4);
        SimulatedNode entry = cluster.Network.Nodes[0];
        List<PoisonedCluster.Sent> sent = [cluster.Send(entry, "m", PoisonedCluster.PoisonOf(1))];
        sent.AddRange(Enumerable.Range(0, 20).Select(i => cluster.Send(entry, "m", (byte)i, 0, 0)));
        cluster.StepUntilAllAreAnswered(5000);
        Assert.Equal(2, cluster.Costs[1]);
        ForwardReply.Failed failed = Assert.IsType<ForwardReply.Failed>(sent[0].Reply);
        Assert.Equal(FailureKind.NodeUnreachable, failed.Kind);
        Assert.Equal(2, Enumerable.Range(1, 3).Count(node => failed.Detail.Contains($"node n{node}:1", StringComparison.Ordinal)));

        PoisonedCluster.Sent second = cluster.Send(entry, "m", PoisonedCluster.PoisonOf(1));
        PoisonedCluster.Sent elsewhere = cluster.Send(cluster.Network.Nodes[3], "m", PoisonedCluster.PoisonOf(1));
        PoisonedCluster.Sent good = cluster.Send(entry, "m", 1, 2, 3);
        cluster.StepUntilAllAreAnswered(5000);
        Assert.Equal(2, cluster.Costs[1]);
        Assert.Equal(FailureKind.BackendFailed, Assert.IsType<ForwardReply.Failed>(second.Reply).Kind);
        Assert.Equal(FailureKind.BackendFailed, Assert.IsType<ForwardReply.Failed>(elsewhere.Reply).Kind);
        Assert.IsType<ForwardReply.Succeeded>(good.Reply);
    }

    [Fact]
    public void A_thousand_suspects_of_one_loss_are_resolved_while_the_other_devices_keep_their_rate()
    {
        const int Warm = 100;
        var cluster = new PoisonedCluster(1, CrashDomain.Process, 0, 4, 4, 4);
        SimulatedNode entry = cluster.Network.Nodes[0];
        List<PoisonedCluster.Sent> suspects = Fill(3000);

        var before = new Dictionary<object, int>();
        for (int step = 0; step < Warm; step++)
        {
            Fill(12);
            cluster.Step(gpu => before[gpu.Core] = before.GetValueOrDefault(gpu.Core) + 1);
        }

        SimulatedNode dead = cluster.Network.Nodes[1];
        int lost = entry.Table.Node(dead.Id)!.Outstanding;
        Assert.True(lost >= 900, $"{lost} were lost.");
        cluster.Network.Replace(1);
        Assert.All(dead.Gpus, gpu => Assert.True(before.Remove(gpu.Core)));
        var after = new Dictionary<object, int>();
        var spared = new Dictionary<object, int>();
        int steps = 0;
        while (suspects.Exists(sent => sent.Reply is null))
        {
            Assert.True(++steps < 4000, $"{suspects.Count(sent => sent.Reply is null)} are not resolved.");
            Fill(11);

            // The line moves from node to node: a device counts while it is elsewhere.
            object[] alone =
            [
                .. cluster.Network.Nodes.SelectMany(node =>
                    node.Gpus.Where(gpu => node.Table.Gpu(gpu.Ordinal)?.SuspectLines > 0).Select(gpu => gpu.Core)
                ),
            ];
            Assert.True(alone.Length <= 1, $"{alone.Length} devices take suspects.");
            foreach (object gpu in before.Keys.Except(alone))
            {
                spared[gpu] = spared.GetValueOrDefault(gpu) + 1;
            }

            cluster.Step(gpu =>
            {
                if (!alone.Contains(gpu.Core))
                {
                    after[gpu.Core] = after.GetValueOrDefault(gpu.Core) + 1;
                }
            });
        }

        Assert.All(suspects, sent => Assert.IsType<ForwardReply.Succeeded>(sent.Reply));
        double[] rates =
        [
            .. before.Select(pair =>
                after.GetValueOrDefault(pair.Key) / (double)spared.GetValueOrDefault(pair.Key) / (pair.Value / (double)Warm)
            ),
        ];
        output.WriteLine($"{lost} suspects, {steps} steps, rates {string.Join(' ', rates.Order().Select(rate => $"{rate:0.00}"))}");
        Assert.True(rates.All(rate => rate >= 0.9), string.Join(' ', rates.Order()));

        List<PoisonedCluster.Sent> Fill(int count) =>
            [.. Enumerable.Range(0, count).Select(i => cluster.Send(entry, "m", (byte)(i % 250), (byte)i, (byte)(i >> 8)))];
    }

    private static void Run(int seed, CrashDomain domain)
    {
        var random = new Random(seed);
        var cluster = new PoisonedCluster(seed, domain, 4, 4, 4);
        var known = new List<int>();
        int sent = 0;
        int poisons = 0;
        while (sent < Forwards)
        {
            for (int burst = random.Next(1, 12); burst > 0; burst--)
            {
                SimulatedNode node = cluster.Network.Nodes[random.Next(3)];
                if (++sent % 50 == 0 && ++poisons > 0)
                {
                    // Half of it repeats what has been answered; a lost device is lost for good, so there are few that end one.
                    int[] answered = [.. known.Where(content => IsAnswered(cluster, content))];
                    bool repeats = answered.Length > 0 && (poisons % 2 == 0 || (domain == CrashDomain.Device && known.Count == 3));
                    if (!repeats && domain == CrashDomain.Device && known.Count == 3)
                    {
                        continue;
                    }

                    int content = repeats ? answered[random.Next(answered.Length)] : known.Count + 1;
                    int cost = cluster.Costs.GetValueOrDefault(content);
                    if (!repeats)
                    {
                        known.Add(content);
                    }

                    cluster.Send(node, "m", PoisonedCluster.PoisonOf(content));
                    if (repeats)
                    {
                        cluster.Step();
                        Assert.Equal(cost, cluster.Costs.GetValueOrDefault(content));
                    }
                }
                else
                {
                    // Few contents, often repeated, as callers do.
                    cluster.Send(node, random.Next(2) == 0 ? "m" : "n", (byte)random.Next(5), 0, 0);
                }
            }

            cluster.Step();
        }

        cluster.StepUntilAllAreAnswered(20_000);
        Assert.All(cluster.Costs, cost => Assert.True(cost.Value <= 2, $"poison {cost.Key} cost {cost.Value}"));
        Assert.True(cluster.Costs.Count >= 3);
        foreach (PoisonedCluster.Sent one in cluster.All)
        {
            if (!one.IsPoison)
            {
                Assert.True(one.Reply is ForwardReply.Succeeded, one.Reply!.ToString());
                continue;
            }

            // It is told where it ran: on one device, or on two.
            string detail = Assert.IsType<ForwardReply.Failed>(one.Reply).Detail;
            Assert.Matches("(device|node) n[0-2]:1", detail);
        }

        if (domain == CrashDomain.Executor)
        {
            // The last one may still be on its way back.
            SimulatedGpu[] gpus = [.. cluster.Network.Nodes.SelectMany(node => node.Gpus)];
            for (int steps = 0; steps < 2_000 && gpus.Any(gpu => gpu.Core.Health != GpuHealth.Ready); steps++)
            {
                cluster.Step();
            }

            Assert.All(gpus, gpu => Assert.Equal(GpuHealth.Ready, gpu.Core.Health));
        }
        else
        {
            int gone = cluster.Network.Nodes.SelectMany(node => node.Gpus).Count(gpu => gpu.Core.Health == GpuHealth.Quarantined);
            Assert.True(gone <= 2 * known.Count, $"{gone} devices were lost by {known.Count} contents.");
        }
    }

    private static bool IsAnswered(PoisonedCluster cluster, int content) =>
        cluster.All.Any(sent => sent.IsPoison && sent.Content == content && sent.Reply is not null);
}
