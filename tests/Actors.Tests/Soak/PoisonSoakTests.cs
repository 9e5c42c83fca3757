using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Troupe.Actors.Tests.Node;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Failures;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Soak;

/// <summary>The real actors while one forward in fifty ends the executor that runs it, half of these again and again, one in fifty is of a
/// size that is refused, devices pause, and a model beside comes and goes; longer runs by TROUPE_SOAK_SECONDS.</summary>
[Collection(nameof(ModesSoakTests))]
public sealed class PoisonSoakTests(ITestOutputHelper output)
{
    private const byte Poison = 13;

    private const byte Oversized = 14;

    private const string Poisoned = "double";

    private const string Beside = "beside";

    private const string ComesAndGoes = "passing";

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("TROUPE_SOAK_SECONDS") ?? "15", CultureInfo.InvariantCulture)
    );

    /// <summary>Contents that are under way: the same poison sent by two at once is lost by each before anybody can know it.</summary>
    private readonly ConcurrentDictionary<int, bool> _underWay = new();
    private readonly ConcurrentDictionary<int, int> _losses = new();
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private int _contents = 4;
    private int _innocent;

    private bool GoesOn => Stopwatch.GetElapsedTime(_start) < Time;

    [Fact]
    public async Task A_poison_costs_two_losses_at_most_and_the_innocent_nothing()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var chaos = new Random(seed);
        var platform = new FakePlatform(4) { CompleteAtOnce = false };
        platform.OnSubmit = lane =>
        {
            if (lane.Input.Data.Span[0] == Poison)
            {
                _losses.AddOrUpdate(lane.Input.Data.Length, 1, static (_, losses) => losses + 1);
                throw new InvalidOperationException("the poison ends its executor");
            }

            if (lane.Input.Data.Span[0] == Oversized)
            {
                throw new ForwardException(FailureKind.InvalidInput, "its outputs exceed --max-output");
            }

            int fate;
            lock (chaos)
            {
                fate = chaos.Next(1000);
            }

            if (fate < 2)
            {
                // The executor's thread stands still: less than the watchdog's bound, and long enough that queues fill.
                using var pause = new ManualResetEventSlim();
                pause.Wait(TimeSpan.FromMilliseconds(200));
            }

            if (fate < 300)
            {
                // The device takes its time, and the executor others meanwhile.
                ThreadPool.UnsafeQueueUserWorkItem(static lane => lane.Complete(), lane, preferLocal: false);
            }
            else
            {
                lane.Complete();
            }
        };
        await using (LocalNode local = LocalNode.Start(platform))
        {
            await local.Load(Poisoned);
            await local.Load(Beside);
            await Task.WhenAll([ComeAndGo(local), .. Enumerable.Range(0, 8).Select(caller => Call(local, new Random(seed + caller)))]);

            output.WriteLine($"{_innocent} innocent, {_losses.Count} contents lost {_losses.Values.Sum()} executors");
            Assert.True(_wrong.IsEmpty, $"{_wrong.Count}:\n{string.Join('\n', _wrong.Take(12))}");
            Assert.Empty(local.Sink.Twice);
            Assert.DoesNotContain(_losses, content => content.Value > 2);
            Assert.NotEmpty(_losses);
            await LocalNode.Eventually(() =>
                local.Node.View.Nodes[0].Gpus.All(gpu => gpu is { Health: GpuHealth.Ready, Queued: 0, InFlight: 0 })
            );
            await LocalNode.Eventually(() =>
                local.Node.View.Nodes[0].Models.Where(model => model.Model.Name != ComesAndGoes).All(model => model.Gpus.Length == 4)
            );
            for (int device = 0; device < 4; device++)
            {
                await local.MustSucceed(Beside, gpu: device);
            }
        }

        Assert.Equal((0, 0), (platform.Live, platform.Leased));
    }

    private async Task Call(LocalNode local, Random random)
    {
        while (GoesOn)
        {
            int kind = random.Next(50);
            if (kind == 1)
            {
                RequestId oversized = local.Send(Poisoned, Oversized, bytes: random.Next(1, 64));
                ForwardReply refused = await local.Sink.Reply(oversized);
                if (refused is not ForwardReply.Failed { Kind: FailureKind.InvalidInput })
                {
                    _wrong.Enqueue($"a forward of a size that is refused: {refused}");
                }

                continue;
            }

            bool isPoison = kind == 0;
            string model = isPoison || random.Next(2) == 0 ? Poisoned : Beside;
            int length =
                !isPoison ? random.Next(1, 64)
                : random.Next(2) == 0 ? random.Next(1, 4)
                : Interlocked.Increment(ref _contents);
            if (isPoison && !_underWay.TryAdd(length, true))
            {
                continue;
            }

            RequestId id = local.Send(model, isPoison ? Poison : (byte)random.Next(20, 90), bytes: length);
            ForwardReply reply = await local.Sink.Reply(id);
            if (isPoison)
            {
                _underWay.TryRemove(length, out _);
            }

            if (!isPoison)
            {
                Interlocked.Increment(ref _innocent);
                if (reply is not ForwardReply.Succeeded)
                {
                    _wrong.Enqueue($"an innocent forward of {model}: {reply}");
                }
            }
            else if (reply is not ForwardReply.Failed { Kind: FailureKind.DeviceLost or FailureKind.BackendFailed } failed)
            {
                _wrong.Enqueue($"a poison of {length}: {reply}");
            }
            else if (!failed.Detail.Contains(local.Node.Id.ToString(), StringComparison.Ordinal))
            {
                _wrong.Enqueue($"it does not say where it ran: {failed.Detail}");
            }
        }
    }

    private async Task ComeAndGo(LocalNode local)
    {
        while (GoesOn)
        {
            await local.LoadAny(ComesAndGoes);
            await local.Ask(ComesAndGoes);
            await local.Node.UnloadAsync(new UnloadModel(ComesAndGoes), null, TestContext.Current.CancellationToken);
        }
    }
}
