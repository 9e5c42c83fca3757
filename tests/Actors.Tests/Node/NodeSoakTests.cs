using System.Diagnostics;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Failures;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

public sealed class NodeSoakTests(ITestOutputHelper output)
{
    /// <summary>The real actors under load for a while, with the same checker as the simulated ones: crashes, failing launches, cancels and
    /// short deadlines included.</summary>
    [Fact]
    public async Task Real_actors_answer_every_forward_exactly_once()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var chaos = new Random(seed);
        var platform = new FakePlatform(3) { CompleteAtOnce = false };
        platform.OnSubmit = lane =>
        {
            int fate;
            lock (chaos)
            {
                fate = chaos.Next(5000);
            }

            switch (fate)
            {
                case 0:
                    throw new InvalidOperationException("a defect");
                case < 50:
                    ThreadPool.UnsafeQueueUserWorkItem(
                        static lane => lane.Fail(new ForwardException(FailureKind.BackendFailed, "the launch failed")),
                        lane,
                        preferLocal: false
                    );
                    break;
                case < 1500:
                    ThreadPool.UnsafeQueueUserWorkItem(static lane => lane.Complete(), lane, preferLocal: false);
                    break;
                default:
                    lane.Complete();
                    break;
            }
        };
        var accepted = new List<RequestId>();
        await using (
            LocalNode local = LocalNode.Start(
                platform,
                spec =>
                    spec with
                    {
                        ExecutorFailureLimit = int.MaxValue,
                        ExecutorFailureWindow = TimeSpan.FromMilliseconds(20),
                        QueueLimit = 32,
                    }
            )
        )
        {
            await local.Load();
            Task[] callers = [.. Enumerable.Range(0, 8).Select(caller => Call(local, new Random(seed + caller), accepted))];
            await Task.WhenAll(callers);
            await LocalNode.Eventually(() => local.Sink.Count == accepted.Count);
            Assert.Empty(local.Sink.Twice);
            output.WriteLine(
                string.Join(
                    ", ",
                    local
                        .Sink.Replies.GroupBy(reply => reply is ForwardReply.Failed failed ? failed.Kind.ToString() : "Succeeded")
                        .OrderBy(group => group.Key)
                        .Select(group => $"{group.Key} {group.Count()}")
                )
            );
            Assert.True(local.Sink.Replies.Count(reply => reply is ForwardReply.Succeeded) > accepted.Count / 2);
            await LocalNode.Eventually(() =>
                local.Node.View.Nodes[0].Gpus.All(gpu => gpu is { Health: GpuHealth.Ready, Queued: 0, InFlight: 0 })
            );

            // All credits are back: each device takes as many as at the start.
            platform.OnSubmit = null;
            platform.CompleteAtOnce = true;
            for (int i = 0; i < 3; i++)
            {
                await LocalNode.Eventually(() => local.Node.View.Nodes[0].Models is [{ Gpus.Length: 3 }]);
                await local.MustSucceed(gpu: i);
            }
        }

        Assert.Equal(0, platform.Live);
        Assert.Equal(0, platform.Leased);
    }

    private static async Task Call(LocalNode local, Random random, List<RequestId> accepted)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10))
        {
            var ids = new List<RequestId>();
            for (int i = random.Next(1, 12); i > 0; i--)
            {
                // What ends an executor here is chance: the same content would be found guilty of it.
                ids.Add(
                    local.Send(
                        value: (byte)random.Next(256),
                        bytes: random.Next(1, 64),
                        timeLeft: random.Next(10) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 20)) : null
                    )
                );
            }

            lock (accepted)
            {
                accepted.AddRange(ids);
            }

            if (random.Next(5) == 0)
            {
                local.Node.Cancel(ids[^1]);
            }

            foreach (RequestId id in ids)
            {
                await local.Sink.Reply(id);
            }
        }
    }
}
