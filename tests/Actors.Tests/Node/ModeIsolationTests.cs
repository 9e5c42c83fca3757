using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>Through the actors too, a mode of one model waits for its forwards and for nobody else's.</summary>
public sealed class ModeIsolationTests
{
    [Fact]
    public async Task While_a_change_waits_for_a_held_forward_of_its_model_another_model_is_called_on_the_same_device()
    {
        var platform = new FakePlatform(1) { CompleteAtOnce = false, Traits = ModuleTraits.Plain with { StreamableWeightBytes = 100 } };
        await using LocalNode local = LocalNode.Start(platform, spec => spec with { LaunchLimit = 4 });
        await local.Load("held");
        await local.Load("free");
        FakeInstance held = platform.Instances.Single(instance => instance.Module.Model.Name == "held"),
            free = platform.Instances.Single(instance => instance.Module.Model.Name == "free");
        RequestId first = local.Send("held");
        await LocalNode.Eventually(() => held.Busy.Count == 1);

        Task<ModeReply> waiting = local.Node.ModesAsync(Change("held"), TestContext.Current.CancellationToken);
        RequestId behind = local.Send("held");
        for (byte call = 1; call < 6; call++)
        {
            RequestId other = local.Send("free", call);
            await LocalNode.Eventually(() => free.Busy.Count == 1);
            free.Busy[0].Complete();
            Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(other));
        }

        Assert.False(waiting.IsCompleted);
        Assert.Equal((0, 0), (held.Applied.Count, free.Applied.Count));

        platform.CompleteAtOnce = true;
        foreach (FakeLane lane in held.Busy)
        {
            lane.Complete();
        }

        Assert.IsType<ModeReply.Applied>(await waiting);
        Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(first));
        Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(behind));
    }

    private static SetMode Change(string model) =>
        new(new ModeScope(Model: new ModelReference(model)), new ModeChange { WeightBudget = WeightBudget.OfBytes(50) });
}
