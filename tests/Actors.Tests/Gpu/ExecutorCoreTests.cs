using Troupe.Actors.Gpu;
using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Gpu;

public sealed class ExecutorCoreTests
{
    private readonly FakePlatform _platform = new(1) { CompleteAtOnce = false };
    private readonly List<ExecutorDecision> _decisions = [];
    private readonly ExecutorCore _core;
    private readonly FakeInstance _instance;
    private int _signals;
    private ulong _counter;

    public ExecutorCoreTests()
    {
        _core = new ExecutorCore(1, _platform.OpenGroup(0), () => _signals++, _decisions);
        IModuleInstance loaded = _platform.Load(
            new ModuleSource(new ModelReference("m"), "m"),
            0,
            new InstanceOptions(2),
            TestContext.Current.CancellationToken
        );
        _instance = (FakeInstance)loaded;
        Assert.True(_core.Adopt(new AdoptInstance(1, new InstanceHandOver(loaded))));
        _decisions.Clear();
    }

    [Fact]
    public void A_forward_that_is_done_inside_submit_ends_without_a_signal()
    {
        _platform.CompleteAtOnce = true;
        Launch launch = Run();
        Assert.Same(launch, Assert.IsType<LaunchEnded>(Assert.Single(_decisions).Message).Launch);
        Assert.Equal((0, 0, 0), (_signals, _core.InFlight, _instance.Leased));
        Assert.NotNull(launch.Forwards[0].Outputs);
    }

    [Fact]
    public void A_wake_signals_once_and_a_poll_ends_what_is_done()
    {
        Run();
        Run();
        Assert.Empty(_decisions);
        foreach (FakeLane lane in _instance.Busy)
        {
            lane.Complete();
        }

        Assert.Equal(1, _signals);
        _core.Poll();
        Assert.Equal(2, _decisions.Count);
        Assert.Equal(0, _instance.Leased);
    }

    [Fact]
    public void What_finds_no_lane_waits_for_one()
    {
        Run();
        Run();
        Launch third = Run();
        Assert.Equal((2, 1), (_core.InFlight, _core.Waiting));
        _instance.Busy[0].Complete();
        _core.Poll();
        Assert.Equal((2, 0), (_core.InFlight, _core.Waiting));
        foreach (FakeLane lane in _instance.Busy)
        {
            lane.Complete();
        }

        _core.Poll();
        Assert.Contains(_decisions, decision => decision.Message is LaunchEnded ended && ended.Launch == third);
    }

    [Fact]
    public void A_launch_of_several_forwards_ends_with_the_last()
    {
        var launch = new Launch(1, 0, _instance.Module.Model, ModeSettings.Default, [Queued(), Queued()]);
        _core.Run(launch);
        IReadOnlyList<FakeLane> lanes = _instance.Busy;
        lanes[0].Complete();
        _core.Poll();
        Assert.Empty(_decisions);
        lanes[1].Fail(new ForwardException(FailureKind.BackendFailed, "no"));
        _core.Poll();
        Assert.Single(_decisions);
        Assert.Equal([true, false], launch.Forwards.Select(forward => forward.Failure is null));
    }

    [Fact]
    public void Bad_inputs_fail_alone_and_give_the_lane_back()
    {
        var bad = new QueuedForward(
            new Forward
            {
                Id = default,
                Model = new ModelReference("m"),
                Inputs = [],
            },
            _instance.Module.Model,
            1,
            null
        );
        _core.Run(new Launch(1, 0, _instance.Module.Model, ModeSettings.Default, [bad]));
        Assert.Equal(FailureKind.InvalidInput, bad.Failure!.Kind);
        Assert.Equal(0, _instance.Leased);
        Assert.Single(_decisions);
    }

    [Fact]
    public void A_sticky_fault_is_told_once_and_before_the_results_of_its_turn()
    {
        Run();
        Run();
        _platform.Faults[0].Fault = "lost";
        foreach (FakeLane lane in _instance.Busy)
        {
            lane.Fail(new ForwardException(FailureKind.DeviceLost, "lost"));
        }

        _core.Poll();
        Assert.IsType<DeviceFaulted>(_decisions[0].Message);
        Assert.Equal(2, _decisions.Count(decision => decision.Message is LaunchEnded));
        _core.Poll();
        Assert.Single(_decisions, decision => decision.Message is DeviceFaulted);
    }

    [Fact]
    public void A_launch_of_another_incarnation_is_dropped()
    {
        _core.Run(new Launch(2, 0, _instance.Module.Model, ModeSettings.Default, [Queued()]));
        Assert.Equal((0, 0), (_core.InFlight, _decisions.Count));
    }

    [Fact]
    public void An_unexpected_exception_goes_through_and_the_lane_is_back()
    {
        _platform.OnSubmit = _ => throw new InvalidOperationException("a defect");
        Assert.Throws<InvalidOperationException>(() => Run());
        Assert.Equal(0, _instance.Leased);
        _core.Dispose();
        Assert.True(_instance.Disposed);
    }

    [Fact]
    public void An_instance_is_taken_once_and_disposed_of_when_it_retires()
    {
        var handOver = new InstanceHandOver(
            _platform.Load(new ModuleSource(new ModelReference("n"), "n"), 0, new InstanceOptions(), TestContext.Current.CancellationToken)
        );
        Assert.NotNull(handOver.Take());
        Assert.False(_core.Adopt(new AdoptInstance(2, handOver)));
        _core.Retire(new RetireInstance(1, 0, _instance.Module.Model));
        Assert.True(_instance.Disposed);
        Launch late = Run();
        Assert.Equal(FailureKind.ModelNotLoaded, late.Forwards[0].Failure!.Kind);
    }

    [Fact]
    public void Settings_that_are_refused_change_nothing_and_say_why()
    {
        _instance.Refuses = _ => new ForwardException(FailureKind.NotSupported, "no budget here");
        _core.Apply(new ApplySettings(1, 0, _instance.Module.Model, ModeSettings.Default));
        Assert.Equal("no budget here", Assert.IsType<SettingsApplied>(_decisions[0].Message).Failure!.Reason);
        _instance.Refuses = _ => null;
        _core.Apply(new ApplySettings(1, 0, _instance.Module.Model, ModeSettings.Default));
        Assert.Null(Assert.IsType<SettingsApplied>(_decisions[1].Message).Failure);
        Assert.Single(_instance.Applied);
    }

    [Fact, Trait("row", "MO-11")]
    public void A_release_is_answered_when_the_lanes_at_work_have_released_too()
    {
        Run();
        _core.Release(new ReleaseResources(1, 0, _instance.Module.Model, default));
        Assert.Single(_instance.Released);
        Assert.DoesNotContain(_decisions, decision => decision.Message is ResourcesReleased);
        _instance.Busy[0].Complete();
        _core.Poll();
        Assert.Single(_decisions, decision => decision.Message is ResourcesReleased);
        _core.Poll();
        Assert.Single(_decisions, decision => decision.Message is ResourcesReleased);
    }

    [Fact]
    public void A_release_of_an_instance_that_retires_is_answered_all_the_same()
    {
        Run();
        _core.Release(new ReleaseResources(1, 0, _instance.Module.Model, default));
        _instance.Busy[0].Complete();
        _core.Retire(new RetireInstance(1, 0, _instance.Module.Model));
        _core.Poll();
        Assert.Single(_decisions, decision => decision.Message is ResourcesReleased);
    }

    private Launch Run()
    {
        var launch = new Launch(1, 0, _instance.Module.Model, ModeSettings.Default, [Queued()]);
        _core.Run(launch);
        return launch;
    }

    private QueuedForward Queued() =>
        new(
            new Forward
            {
                Id = new RequestId(default, ++_counter),
                Model = new ModelReference("m"),
                Inputs = [new Tensor("x", ElementType.UInt8, new TensorShape(1), new byte[1])],
            },
            _instance.Module.Model,
            1,
            null
        );
}
