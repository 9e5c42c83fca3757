using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Troupe.Actors.Tests.Node;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Counts;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Soak;

/// <summary>Alone on the machine, so that its load disturbs no measurement of others.</summary>
[CollectionDefinition(nameof(ModesSoakTests), DisableParallelization = true)]
public sealed class SoakCollection;

/// <summary>The real actors on strict emulated devices while modes come and go at every scope; longer runs by
/// TROUPE_SOAK_SECONDS.</summary>
[Collection(nameof(ModesSoakTests))]
public sealed class ModesSoakTests(ITestOutputHelper output)
{
    private const int Devices = 4;
    private const int Callers = 16;

    /// <summary>Forwards per second and caller, so that a fast machine does not make a longer test of it.</summary>
    private const int MostPerSecond = 500;

    private static readonly double Seconds = double.Parse(
        Environment.GetEnvironmentVariable("TROUPE_SOAK_SECONDS") ?? "60",
        CultureInfo.InvariantCulture
    );

    private readonly ConcurrentDictionary<string, int> _outcomes = new();
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _sent;
    private long _twice;

    private bool GoesOn => Stopwatch.GetElapsedTime(_start).TotalSeconds < Seconds && _wrong.IsEmpty;

    [Fact]
    public async Task Every_answer_is_that_of_a_plain_run_and_comes_once_while_modes_change_at_every_scope()
    {
        int seed = Environment.GetEnvironmentVariable("TROUPE_SOAK_SEED") is { } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage($"modes soak: seed {seed}, {Seconds} s");
        output.WriteLine($"seed {seed}");
        SoakModel[] models = SoakModel.All(new Random(seed));
        using Workbench bench = Workbench.WithDevices(Devices);
        var platform = new LeaseCountingPlatform(bench.Platform);
        await using (LocalNode local = LocalNode.Start(platform))
        {
            await LocalNode.Eventually(() =>
                local.Node.View.Nodes is [{ Gpus: [_, ..] } node]
                && node.Gpus.All(gpu => gpu is { Health: GpuHealth.Ready, MemoryUsedBytes: < 1 << 30 })
            );
            long[] before = [.. Enumerable.Range(0, Devices).Select(device => bench.Driver.Snapshot(device).BytesInUse)];
            foreach (SoakModel model in models)
            {
                await local.Load(model.Name, path: model.Path);
            }

            var toggler = new ModeToggler(local.Node, models, new Random(seed + 1));
            await Task.WhenAll([
                toggler.RunAsync(() => GoesOn),
                ComeAndGo(local, [.. models.Where(model => model.ComesAndGoes)]),
                .. Enumerable.Range(0, Callers).Select(caller => Call(local, toggler, models, new Random(seed + 2 + caller))),
            ]);
            await toggler.EndAsync();
            Print(toggler);
            Assert.Empty(_wrong);
            Assert.True(toggler.MostEntersCameInTime, "More than 1 in 10 enters were not acknowledged in time.");

            await LocalNode.Eventually(() =>
                local.Node.Modes is { Cluster: 0, Node: 0, Gpu: 0, Model: 0, ModelOnGpu: 0, Session: 0, OpenSessions: 0 }
            );
            await EveryDeviceStillAnswers(local, models);
            Assert.Equal(0, Interlocked.Read(ref _twice));
            await LocalNode.Eventually(() =>
                local.Node.View.Nodes[0].Gpus.All(gpu => gpu is { Health: GpuHealth.Ready, Queued: 0, InFlight: 0 })
            );
            Assert.Equal(0, platform.Leased);
            await CountersMoved(local, models);

            foreach (SoakModel model in models)
            {
                Assert.IsType<ModelReply.Unloaded>(
                    await local.Node.UnloadAsync(new UnloadModel(model.Name), null, TestContext.Current.CancellationToken)
                );
            }

            Assert.Equal(before, Enumerable.Range(0, Devices).Select(device => bench.Driver.Snapshot(device).BytesInUse));
        }

        Array.ForEach(models, model => model.Dispose());
    }

    private async Task Call(LocalNode local, ModeToggler toggler, SoakModel[] models, Random random)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(1000d * 8 / MostPerSecond));
        while (GoesOn && await pace.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            await Task.WhenAll(
                Enumerable
                    .Range(0, random.Next(1, 9))
                    .Select(_ =>
                    {
                        SoakModel model = models[random.Next(models.Length)];
                        return ForwardOnce(
                            local,
                            model,
                            random.Next(model.Cases.Count),
                            new Forward
                            {
                                Id = local.Node.NextRequestId(),
                                Model = new ModelReference(model.Name),
                                Inputs = [],
                                Gpu = random.Next(4) == 0 ? new GpuId(local.Node.Id, random.Next(Devices)) : null,
                                Session = toggler.Session(random),
                                Modes = ModeToggler.Call(random) ?? (random.Next(2) == 0 ? model.ThatFits : null),
                                TimeLeft = random.Next(12) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 20)) : Forward.DefaultTimeLeft,
                            },
                            cancels: random.Next(20) == 0
                        );
                    })
                    .ToArray()
            );
        }
    }

    private async Task ForwardOnce(LocalNode local, SoakModel model, int number, Forward forward, bool cancels)
    {
        var sink = new OneReply(() => Interlocked.Increment(ref _twice));
        Interlocked.Increment(ref _sent);
        local.Node.Forward(forward with { Inputs = [model.Cases[number].Input] }, sink);
        if (cancels)
        {
            local.Node.Cancel(forward.Id);
        }

        switch (await sink.First)
        {
            case ForwardReply.Succeeded succeeded:
                _outcomes.AddOrUpdate("Succeeded", 1, static (_, count) => count + 1);
                if (model.Difference(number, succeeded.Outputs) is { } difference)
                {
                    _wrong.Enqueue($"{difference}, at epoch {succeeded.Report.ModeEpoch} on {succeeded.Report.Gpu} with {forward.Modes}");
                }

                break;
            case ForwardReply.Failed failed:
                _outcomes.AddOrUpdate(failed.Kind.ToString(), 1, static (_, count) => count + 1);
                if (!model.MayFail(failed.Kind, forward, cancels))
                {
                    _wrong.Enqueue($"{model.Name}, input {number}: {failed.Kind} {failed.Detail} with {forward.Modes}");
                }

                break;
        }
    }

    /// <summary>A model is unloaded under load and loaded again.</summary>
    private async Task ComeAndGo(LocalNode local, SoakModel[] models)
    {
        using var period = new PeriodicTimer(TimeSpan.FromSeconds(2));
        while (await period.WaitForNextTickAsync(TestContext.Current.CancellationToken) && GoesOn)
        {
            foreach (SoakModel model in models)
            {
                Assert.IsType<ModelReply.Unloaded>(
                    await local.Node.UnloadAsync(new UnloadModel(model.Name), null, TestContext.Current.CancellationToken)
                );
                await local.Load(model.Name, path: model.Path);
            }
        }
    }

    /// <summary>Without modes: each model on each device, more forwards at once than there are lanes.</summary>
    private async Task EveryDeviceStillAnswers(LocalNode local, SoakModel[] models)
    {
        _outcomes.Clear();
        IEnumerable<Task> forwards =
            from model in models
            from device in Enumerable.Range(0, Devices)
            from number in Enumerable.Range(0, model.Cases.Count)
            select ForwardOnce(
                local,
                model,
                number,
                new Forward
                {
                    Id = local.Node.NextRequestId(),
                    Model = new ModelReference(model.Name),
                    Inputs = [],
                    Gpu = new GpuId(local.Node.Id, device),
                    Modes = model.ThatFits,
                },
                cancels: false
            );
        await Task.WhenAll([.. forwards]);
        Assert.Empty(_wrong);
        Assert.Equal("Succeeded", Assert.Single(_outcomes.Keys));
    }

    private async Task CountersMoved(LocalNode local, SoakModel[] models)
    {
        await LocalNode.Eventually(() => local.Node.Instances.Count == models.Length * Devices);
        foreach (IGrouping<string, InstanceSnapshot> model in local.Node.Instances.GroupBy(instance => instance.Model.Name))
        {
            InstanceCounts[] counts = [.. model.Select(instance => instance.Counts)];
            output.WriteLine(
                $"{model.Key}: forwards {counts.Sum(count => count.Forwards)}, captures {counts.Sum(count => count.Captures)} ({counts.Sum(count => count.FailedCaptures)} failed), replays {counts.Sum(count => count.Replays)}, evictions {counts.Sum(count => count.GraphEvictions)}, sets reused {counts.Sum(count => count.SetReuses)}, allocator calls {counts.Sum(count => count.AllocatorCalls)}"
            );
        }

        foreach (string name in (string[])["classifier", "hybrid", "engine"])
        {
            InstanceCounts[] counts =
            [
                .. local.Node.Instances.Where(instance => instance.Model.Name == name).Select(instance => instance.Counts),
            ];
            Assert.True(counts.Sum(count => count.Captures) > 0, name);
            Assert.True(counts.Sum(count => count.Replays) > 0, name);
        }
    }

    private void Print(ModeToggler toggler)
    {
        output.WriteLine(
            $"{Interlocked.Read(ref _sent)} forwards in {Stopwatch.GetElapsedTime(_start).TotalSeconds:0} s: {string.Join(", ", _outcomes.OrderBy(outcome => outcome.Key).Select(outcome => $"{outcome.Key} {outcome.Value}"))}"
        );
        output.WriteLine($"modes: {string.Join(", ", toggler.Steps.Select(step => $"{step.Key} {step.Value}"))}");
    }
}
