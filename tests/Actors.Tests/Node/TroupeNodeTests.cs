using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

public sealed class TroupeNodeTests
{
    [Fact]
    public async Task A_loaded_model_answers_and_both_devices_take_part()
    {
        var platform = new FakePlatform(2);
        await using (LocalNode local = LocalNode.Start(platform))
        {
            ModelReply.Loaded loaded = await local.Load();
            Assert.Equal(2, loaded.Gpus.Length);
            var devices = new HashSet<int>();
            for (byte i = 0; i < 10; i++)
            {
                devices.Add((await local.MustSucceed(value: i)).Report.Gpu.Ordinal);
            }

            Assert.Equal([0, 1], devices.Order());
        }

        Assert.Equal(0, platform.Live);
        Assert.Equal(0, platform.Leased);
    }

    [Fact]
    public async Task Batch_and_online_forwards_of_every_priority_are_each_answered_once()
    {
        await using LocalNode local = LocalNode.Start(new FakePlatform(2));
        await local.Load();
        Forward[] forwards =
        [
            .. Enumerable
                .Range(0, 300)
                .Select(i => new Forward
                {
                    Id = local.Node.NextRequestId(),
                    Model = new ModelReference("double"),
                    Inputs = [new Tensor("x", ElementType.UInt8, new TensorShape(1), new byte[] { (byte)(i % 100) })],
                    Class = i % 3 == 0 ? ForwardClass.Online : ForwardClass.Batch,
                    Priority = i % 9,
                }),
        ];
        foreach (Forward forward in forwards)
        {
            local.Node.Forward(forward, local.Sink);
        }

        local.Node.Cancel(forwards[^1].Id);
        for (int i = 0; i < forwards.Length - 1; i++)
        {
            ForwardReply.Succeeded reply = Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(forwards[i].Id));
            Assert.Equal((byte)(i % 100 * 2), reply.Outputs[0].Data.Span[0]);
        }

        await local.Sink.Reply(forwards[^1].Id);
        Assert.Empty(local.Sink.Twice);
    }

    [Fact]
    public async Task Whoever_has_the_answer_to_a_load_sees_the_model_in_the_view()
    {
        await using LocalNode local = LocalNode.Start(new FakePlatform(1));
        ModelReply.Loaded loaded = await local.Load(number: 3);
        ModelSnapshot seen = Assert.Single(local.Node.View.Nodes[0].Models);
        Assert.Equal(loaded.Model, seen.Model);
        Assert.Equal(ModelState.Ready, seen.State);
        Assert.Equal("x", seen.Inputs[0].Name);
        await local.Node.UnloadAsync(new UnloadModel("double"), null, TestContext.Current.CancellationToken);
        Assert.Equal(ModelSnapshot.UnloadedReason, Assert.Single(local.Node.View.Nodes[0].Models).Reason);
    }

    [Fact]
    public async Task A_model_that_nobody_has_is_refused_and_the_next_good_forward_works()
    {
        await using LocalNode local = LocalNode.Start(new FakePlatform(1));
        await local.Load();
        await MustFail(local, local.Send("unknown"), FailureKind.ModelNotLoaded, "'unknown'");
        await local.MustSucceed();
    }

    [Fact]
    public async Task A_bad_input_fails_alone()
    {
        await using LocalNode local = LocalNode.Start(new FakePlatform(1));
        await local.Load();
        var bad = new Forward
        {
            Id = local.Node.NextRequestId(),
            Model = new ModelReference("double"),
            Inputs = [],
        };
        local.Node.Forward(bad, local.Sink);
        await MustFail(local, bad.Id, FailureKind.InvalidInput, "one input 'x'");
        await local.MustSucceed();
    }

    [Fact]
    public async Task A_device_that_does_not_exist_is_named_in_the_refusal()
    {
        await using LocalNode local = LocalNode.Start(new FakePlatform(1));
        await local.Load();
        await MustFail(local, local.Send(gpu: 7), FailureKind.ModelNotLoaded, "local:0/7");
        ModelReply.Failed failed = Assert.IsType<ModelReply.Failed>(await local.LoadAny("other", gpus: [7]));
        Assert.Equal(FailureKind.NotFound, failed.Kind);
        Assert.Contains("Device 7", failed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_content_under_a_live_number_is_refused_naming_both()
    {
        var platform = new FakePlatform(1);
        await using LocalNode local = LocalNode.Start(platform);
        ModelReply.Loaded first = await local.Load(path: "a");
        ModelReply.Failed refused = Assert.IsType<ModelReply.Failed>(await local.LoadAny(path: "b"));
        Assert.Equal(FailureKind.AlreadyExists, refused.Kind);
        Assert.Contains(first.Model.Hash.ToString(), refused.Detail, StringComparison.Ordinal);
        Assert.Equal(3, refused.Detail.Split("content").Length);
        await local.MustSucceed();
        await LocalNode.Eventually(() => platform.Live == 1);

        // The same content again is no conflict, and leaves nothing behind.
        await local.Load(path: "a");
        await LocalNode.Eventually(() => platform.Live == 1);
        await local.Load(number: 2, path: "b");
        Assert.Equal(2, (await local.MustSucceed()).Report.Model.Number);
    }

    [Fact]
    public async Task A_load_that_fails_on_one_of_the_named_devices_leaves_nothing_but_its_reason()
    {
        var platform = new FakePlatform(2)
        {
            OnLoad = (_, ordinal) =>
            {
                if (ordinal == 1)
                {
                    throw new ModuleLoadException(FailureKind.OutOfDeviceMemory, "device 1 is full");
                }
            },
        };
        await using LocalNode local = LocalNode.Start(platform);
        ModelReply.Failed failed = Assert.IsType<ModelReply.Failed>(await local.LoadAny(gpus: [0, 1]));
        Assert.Equal((FailureKind.OutOfDeviceMemory, "device 1 is full"), (failed.Kind, failed.Detail));
        await LocalNode.Eventually(() => platform.Live == 0);
        Assert.Equal("device 1 is full", Assert.Single(local.Node.View.Nodes[0].Models).Reason);
        Assert.Single((await local.Load()).Gpus);
    }

    [Fact]
    public async Task A_cancelled_forward_is_answered_at_once_and_a_launched_one_finishes_unseen()
    {
        var platform = new FakePlatform(1) { CompleteAtOnce = false };
        await using LocalNode local = LocalNode.Start(platform, spec => spec with { LaunchLimit = 1 });
        await local.Load();
        RequestId launched = local.Send();
        RequestId queued = local.Send();
        await LocalNode.Eventually(() => platform.Instances[0].Busy.Count == 1);
        local.Node.Cancel(queued);
        local.Node.Cancel(launched);
        await MustFail(local, queued, FailureKind.Cancelled, "cancelled");
        await MustFail(local, launched, FailureKind.Cancelled, "cancelled");
        platform.CompleteAtOnce = true;
        RequestId next = local.Send();
        platform.Instances[0].Busy[0].Complete();
        Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(next));
        Assert.Empty(local.Sink.Twice);
        Assert.Equal(0, platform.Leased);
    }

    [Fact]
    public async Task A_forward_that_takes_too_long_is_answered_at_its_deadline()
    {
        var platform = new FakePlatform(1) { CompleteAtOnce = false };
        await using LocalNode local = LocalNode.Start(platform);
        await local.Load();
        RequestId late = local.Send(timeLeft: TimeSpan.FromMilliseconds(60));
        await LocalNode.Eventually(() => platform.Instances[0].Busy.Count == 1);
        await MustFail(local, late, FailureKind.DeadlineExceeded, "60 ms");
        platform.Instances[0].Busy[0].Complete();
        platform.CompleteAtOnce = true;
        await local.MustSucceed();
        Assert.Empty(local.Sink.Twice);
    }

    [Fact]
    public async Task A_full_node_says_so_at_once_and_serves_again_when_there_is_room()
    {
        var platform = new FakePlatform(1) { CompleteAtOnce = false };
        await using LocalNode local = LocalNode.Start(platform, spec => spec with { LaunchLimit = 1, QueueLimit = 2 });
        await local.Load();
        RequestId[] held = [local.Send(), local.Send(), local.Send()];
        await MustFail(local, local.Send(), FailureKind.QueueFull, "full");
        await LocalNode.Eventually(() => platform.Instances[0].Busy.Count == 1);
        platform.CompleteAtOnce = true;
        platform.Instances[0].Busy[0].Complete();
        foreach (RequestId id in held)
        {
            Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(id));
        }

        await local.MustSucceed();
    }

    [Fact]
    public async Task A_crashed_executor_is_replaced_and_its_forwards_run_on_the_sibling()
    {
        var platform = new FakePlatform(2);
        await using LocalNode local = LocalNode.Start(platform);
        await local.Load();
        int crashes = 1;
        platform.OnSubmit = lane =>
        {
            if (lane.Instance.HomeOrdinal == 0 && Interlocked.Exchange(ref crashes, 0) == 1)
            {
                throw new InvalidOperationException("a defect");
            }
        };
        for (int i = 0; i < 4; i++)
        {
            await local.MustSucceed();
        }

        Assert.Equal(0, crashes);
        await LocalNode.Eventually(() =>
            local.Node.View.Nodes[0] is { } node && node.Gpus.All(gpu => gpu.Health == GpuHealth.Ready) && node.Models[0].Gpus.Length == 2
        );
        await local.MustSucceed(gpu: 0);
        Assert.Equal(2, platform.Live);
    }

    [Fact]
    public async Task A_module_that_must_not_run_twice_fails_as_device_lost()
    {
        var platform = new FakePlatform(2) { SafeToResend = false };
        await using LocalNode local = LocalNode.Start(platform);
        await local.Load();
        int crashes = 1;
        platform.OnSubmit = _ =>
        {
            if (Interlocked.Exchange(ref crashes, 0) == 1)
            {
                throw new InvalidOperationException("a defect");
            }
        };
        await MustFail(local, local.Send(), FailureKind.DeviceLost, "a defect");
        await local.MustSucceed();
    }

    [Fact]
    public async Task An_executor_that_keeps_crashing_puts_its_device_out_of_service()
    {
        var platform = new FakePlatform(2);
        await using LocalNode local = LocalNode.Start(platform, spec => spec with { ExecutorFailureLimit = 2 });
        await local.Load();
        platform.OnSubmit = lane =>
        {
            if (lane.Instance.HomeOrdinal == 0)
            {
                throw new InvalidOperationException("a defect");
            }
        };
        await LocalNode.Eventually(() =>
        {
            local.Send();
            return local.Node.View.Nodes[0].Gpus[0].Health == GpuHealth.Quarantined;
        });
        Assert.Contains("failed more than 2 times", local.Node.View.Nodes[0].Gpus[0].Reason, StringComparison.Ordinal);
        Assert.Equal(1, (await local.MustSucceed()).Report.Gpu.Ordinal);
    }

    [Fact]
    public async Task A_sticky_error_quarantines_the_device_and_its_model_moves_to_a_sibling()
    {
        var platform = new FakePlatform(2);
        await using LocalNode local = LocalNode.Start(platform);
        await local.Load(gpus: 0);
        platform.OnSubmit = lane =>
        {
            if (lane.Instance.HomeOrdinal == 0)
            {
                platform.Faults[0].Fault = "CUDA_ERROR_ILLEGAL_ADDRESS";
                throw new ForwardException(FailureKind.DeviceLost, "the launch failed");
            }
        };
        ForwardReply first = await local.Ask();
        Assert.True(first is ForwardReply.Succeeded || ((ForwardReply.Failed)first).Kind is FailureKind.DeviceLost, first.ToString());
        await LocalNode.Eventually(() => local.Node.View.Nodes[0].Models is [{ State: ModelState.Ready, Gpus: [{ Ordinal: 1 }] }]);
        Assert.Equal(GpuHealth.Quarantined, local.Node.View.Nodes[0].Gpus[0].Health);
        Assert.Contains("ILLEGAL_ADDRESS", local.Node.View.Nodes[0].Gpus[0].Reason, StringComparison.Ordinal);
        await local.MustSucceed();
    }

    [Fact]
    public async Task A_device_whose_executor_hangs_is_quarantined_and_its_forwards_fail_until_it_answers()
    {
        using var release = new ManualResetEventSlim();
        var platform = new FakePlatform(2, emulated: false);
        await using LocalNode local = LocalNode.Start(platform, spec => spec with { WatchdogBound = TimeSpan.FromMilliseconds(300) });
        await local.Load();
        platform.OnSubmit = lane =>
        {
            if (lane.Instance.HomeOrdinal == 0)
            {
                release.Wait(TestContext.Current.CancellationToken);
            }
        };
        RequestId stuck = local.Send(gpu: 0);
        await MustFail(local, stuck, FailureKind.DeviceLost, "it is in a forward of model 'double/1'");
        Assert.Equal(1, (await local.MustSucceed(value: 7)).Report.Gpu.Ordinal);
        await LocalNode.Eventually(() => local.Node.View.Nodes[0].Gpus[0].Health == GpuHealth.Quarantined);
        release.Set();

        // It has answered: another executor has taken the place of the one that hung, with the model.
        await LocalNode.Eventually(() =>
            local.Node.View.Nodes[0] is { } node && node.Gpus[0].Health == GpuHealth.Ready && node.Models[0].Gpus.Length == 2
        );
        await local.MustSucceed(value: 8, gpu: 0);
        Assert.Equal(0, platform.Leased);
        Assert.Empty(local.Sink.Twice);
    }

    [Fact]
    public async Task A_forward_that_takes_longer_than_the_watchdog_on_an_emulated_device_succeeds()
    {
        using var release = new ManualResetEventSlim();
        var platform = new FakePlatform(1);
        await using LocalNode local = LocalNode.Start(platform, spec => spec with { WatchdogBound = TimeSpan.FromMilliseconds(20) });
        await local.Load();
        platform.OnSubmit = _ => release.Wait(TestContext.Current.CancellationToken);
        RequestId slow = local.Send();
        long ticks = 0;
        await LocalNode.Eventually(() => ++ticks > 100);
        Assert.Equal(GpuHealth.Ready, local.Node.View.Nodes[0].Gpus[0].Health);
        release.Set();
        Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(slow));
    }

    [Fact]
    public async Task A_sticky_error_in_a_submission_costs_the_device_and_not_the_forward()
    {
        var platform = new FakePlatform(2);
        await using LocalNode local = LocalNode.Start(platform);
        await local.Load();
        platform.OnSubmit = lane =>
        {
            if (lane.Instance.HomeOrdinal == 0)
            {
                platform.Faults[0].Fault = "CUDA_ERROR_ILLEGAL_ADDRESS";
                throw new ForwardException(FailureKind.DeviceLost, "the launch failed");
            }
        };
        for (byte value = 1; value < 5; value++)
        {
            Assert.Equal(1, (await local.MustSucceed(value: value)).Report.Gpu.Ordinal);
        }

        Assert.Equal(GpuHealth.Quarantined, local.Node.View.Nodes[0].Gpus[0].Health);
    }

    [Fact]
    public async Task Draining_finishes_what_was_accepted_and_refuses_the_rest()
    {
        var platform = new FakePlatform(1) { CompleteAtOnce = false };
        await using LocalNode local = LocalNode.Start(platform);
        await local.Load();
        RequestId accepted = local.Send();
        await LocalNode.Eventually(() => platform.Instances[0].Busy.Count == 1);
        Assert.False(await local.Node.DrainAsync(TimeSpan.FromMilliseconds(20)));
        Task<bool> drained = local.Node.DrainAsync(TimeSpan.FromSeconds(20));
        await MustFail(local, local.Send(), FailureKind.Draining, "draining");
        platform.Instances[0].Busy[0].Complete();
        Assert.True(await drained);
        Assert.IsType<ForwardReply.Succeeded>(local.Sink.Of(accepted));
    }

    [Fact]
    public async Task A_node_that_stops_answers_what_it_still_has()
    {
        var platform = new FakePlatform(1) { CompleteAtOnce = false };
        LocalNode local = LocalNode.Start(platform);
        await local.Load();
        RequestId[] pending = [.. Enumerable.Range(0, 20).Select(_ => local.Send())];
        await local.DisposeAsync();
        foreach (RequestId id in pending)
        {
            await MustFail(local, id, FailureKind.Draining, "stopped");
        }

        await MustFail(local, local.Send(), FailureKind.Draining, "stopped");
        Assert.Empty(local.Sink.Twice);
        Assert.Equal(0, platform.Live);
        Assert.Equal(0, platform.Leased);
    }

    private static async Task MustFail(LocalNode local, RequestId id, FailureKind kind, string because)
    {
        ForwardReply.Failed failed = Assert.IsType<ForwardReply.Failed>(await local.Sink.Reply(id));
        Assert.Equal(kind, failed.Kind);
        Assert.Contains(because, failed.Detail, StringComparison.Ordinal);
    }
}
