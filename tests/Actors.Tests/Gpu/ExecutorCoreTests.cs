using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>With its parts, of which <see cref="ExecutorLaunches"/> is the largest.</summary>
public sealed class ExecutorCoreTests
{
    private readonly FakePlatform _platform = new(1) { CompleteAtOnce = false };
    private readonly ExecutorRecorder _recorder = new();
    private readonly ExecutorPulse _pulse = new(new NodeClock(TimeProvider.System), runsOnHost: false);
    private readonly ExecutorCore _core;
    private readonly FakeInstance _instance;
    private int _signals;
    private ulong _counter;

    public ExecutorCoreTests()
    {
        _core = new ExecutorCore(1, _platform.OpenGroup(0), _pulse, () => _signals++, _recorder.Queue);
        IModuleInstance loaded = _platform.Load(
            new ModuleSource(new ModelReference("m"), "m"),
            0,
            new InstanceOptions(2),
            TestContext.Current.CancellationToken
        );
        _instance = (FakeInstance)loaded;
        Assert.True(_core.Adopt(new AdoptInstance(1, new InstanceHandOver(loaded))));
        Decisions.Clear();
    }

    [Fact]
    public void A_forward_that_is_done_inside_submit_ends_without_a_signal()
    {
        _platform.CompleteAtOnce = true;
        Launch launch = Run();
        LaunchEnded ended = Assert.IsType<LaunchEnded>(Assert.Single(Decisions).Message);
        Assert.Same(launch, ended.Launch);
        Assert.Equal((0, 0, 0), (_signals, _core.InFlight, _instance.Leased));
        Assert.NotNull(ended.Results[0].Outputs);
    }

    [Fact]
    public void A_wake_signals_once_and_a_poll_ends_what_is_done()
    {
        Run();
        Run();
        Assert.Empty(Decisions);
        foreach (FakeLane lane in _instance.Busy)
        {
            lane.Complete();
        }

        Assert.Equal(1, _signals);
        _core.Poll();
        Assert.Equal(2, Decisions.Count);
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
        Assert.Contains(Decisions, decision => decision.Message is LaunchEnded ended && ended.Launch == third);
    }

    [Fact]
    public void A_forward_whose_inputs_were_released_before_it_began_is_not_begun()
    {
        using HostMemory memory = new();
        TensorLease lease = memory.Lease(1);
        Tensor input = new("x", ElementType.UInt8, new TensorShape(1), new TensorPayload.Leased(lease, 1));
        Run();
        Run();
        var launch = new Launch(1, 0, [Admitted([input])]);
        _core.Run(launch);
        Assert.Equal(1, _core.Waiting);

        lease.Release();
        EndAll();

        LaunchEnded ended = Assert.IsType<LaunchEnded>(
            Assert.Single(Decisions, one => ((LaunchEnded)one.Message).Launch == launch).Message
        );
        Assert.Equal(FailureKind.Cancelled, ended.Results[0].Failure!.Kind);
        Assert.False(launch.Forwards[0].IsLaunched);
        Assert.Equal((0, 0), (_instance.Leased, memory.Snapshot().UsedBytes));
    }

    [Fact]
    public void A_launch_of_several_forwards_ends_with_the_last()
    {
        var launch = new Launch(1, 0, [Admitted(), Admitted()]);
        _core.Run(launch);
        IReadOnlyList<FakeLane> lanes = _instance.Busy;
        lanes[0].Complete();
        _core.Poll();
        Assert.Empty(Decisions);
        lanes[1].Fail(new ForwardException(FailureKind.BackendFailed, "no"));
        _core.Poll();
        LaunchEnded ended = Assert.IsType<LaunchEnded>(Assert.Single(Decisions).Message);
        Assert.Equal([true, false], ended.Results.Select(result => result.Failure is null));
    }

    [Fact]
    public void Bad_inputs_fail_alone_and_give_the_lane_back()
    {
        _core.Run(new Launch(1, 0, [Admitted(inputs: [])]));
        LaunchEnded ended = Assert.IsType<LaunchEnded>(Assert.Single(Decisions).Message);
        Assert.Equal(FailureKind.InvalidInput, ended.Results[0].Failure!.Kind);
        Assert.Equal(0, _instance.Leased);
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
        Assert.IsType<DeviceFaulted>(Decisions[0].Message);
        Assert.Equal(2, Decisions.Count(decision => decision.Message is LaunchEnded));
        _core.Poll();
        Assert.Single(Decisions, decision => decision.Message is DeviceFaulted);
    }

    [Fact]
    public void A_fault_that_a_submission_meets_is_told_before_the_failure_that_comes_of_it()
    {
        _platform.OnSubmit = _ =>
        {
            _platform.Faults[0].Fault = "lost";
            throw new ForwardException(FailureKind.DeviceLost, "the launch failed");
        };
        Run();
        Assert.Equal([typeof(DeviceFaulted), typeof(LaunchEnded)], Decisions.Select(decision => decision.Message.GetType()));
        Assert.True(((DeviceFaulted)Decisions[0].Message).Evidence.OneLaunched);
    }

    [Fact]
    public void A_lane_that_cannot_be_leased_fails_its_forward_and_not_the_executor()
    {
        _instance.RefusesLease = new ForwardException(FailureKind.OutOfDeviceMemory, "no room for a lane");
        Run();
        LaunchEnded ended = Assert.IsType<LaunchEnded>(Assert.Single(Decisions).Message);
        Assert.Equal(FailureKind.OutOfDeviceMemory, ended.Results[0].Failure!.Kind);
        Assert.False(ended.Launch.Forwards[0].IsLaunched);
    }

    [Fact]
    public void A_forward_is_marked_before_its_submission_and_one_that_waits_is_not()
    {
        var marks = new List<bool>();
        Launch? next = null;
        _platform.OnSubmit = _ => marks.Add(next!.Forwards[0].IsLaunched);
        for (int i = 0; i < 3; i++)
        {
            next = new Launch(1, 0, [Admitted()]);
            _core.Run(next);
        }

        Assert.Equal([true, true], marks);
        Assert.False(next!.Forwards[0].IsLaunched);
    }

    [Fact]
    public void A_suspect_runs_alone_and_those_behind_it_wait()
    {
        Run();
        _core.Run(new Launch(1, 0, [Admitted(suspect: true)]));
        Launch behind = Run();
        Assert.Equal((1, 2), (_core.InFlight, _core.Waiting));
        EndAll();
        Assert.Equal((1, 1), (_core.InFlight, _core.Waiting));
        Assert.False(behind.Forwards[0].IsLaunched);
        Run();
        Assert.Equal((1, 2), (_core.InFlight, _core.Waiting));
        EndAll();
        Assert.Equal((2, 0), (_core.InFlight, _core.Waiting));
    }

    [Theory]
    [InlineData(1, false, false, true, false)]
    [InlineData(1, false, true, true, true)]
    [InlineData(1, true, false, true, true)]
    [InlineData(2, false, true, false, false)]
    [InlineData(0, false, true, false, false)]
    public void A_crash_is_the_doing_of_the_only_one_launched_if_it_was_suspect_or_others_had_succeeded(
        int launched,
        bool suspect,
        bool others,
        bool one,
        bool cleared
    )
    {
        if (others)
        {
            Run();
            EndAll();
        }

        for (int i = 0; i < launched; i++)
        {
            _core.Run(new Launch(1, 0, [Admitted(suspect: suspect)]));
        }

        Assert.Equal(new CrashEvidence(one, cleared), _core.Evidence);
    }

    [Fact]
    public void One_that_crashes_inside_its_submission_counts_as_launched()
    {
        _platform.OnSubmit = _ => throw new InvalidOperationException("a defect");
        Assert.Throws<InvalidOperationException>(() => Run());
        Assert.True(_core.EvidenceOfFailure.OneLaunched);
    }

    [Fact]
    public void A_step_without_a_part_in_any_forward_accuses_none_of_its_failure()
    {
        _core.Run(new Launch(1, 0, [Admitted(suspect: true)]));
        Assert.Equal((1, true), (_core.InFlight, _core.Evidence.OneLaunched));
        Assert.Equal(default, _core.EvidenceOfFailure);
        _core.Poll();
        Assert.Equal(default, _core.EvidenceOfFailure);
    }

    [Fact]
    public void A_launch_of_another_incarnation_is_dropped()
    {
        _core.Run(new Launch(2, 0, [Admitted()]));
        Assert.Equal((0, 0), (_core.InFlight, Decisions.Count));
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
        Assert.NotNull(handOver.Claim());
        Assert.False(_core.Adopt(new AdoptInstance(2, handOver)));
        _core.Retire(new RetireInstance(1, 0, _instance.Module.Model));
        Assert.True(_instance.Disposed);
        Run();
        LaunchEnded late = Assert.IsType<LaunchEnded>(Decisions[^1].Message);
        Assert.Equal(FailureKind.ModelNotLoaded, late.Results[0].Failure!.Kind);
    }

    [Fact]
    public void Settings_that_are_refused_change_nothing_and_say_why()
    {
        _instance.Refuses = _ => new ForwardException(FailureKind.NotSupported, "no budget here");
        _core.Apply(new ApplySettings(1, 0, _instance.Module.Model, ModeSettings.Default));
        Assert.Equal("no budget here", Assert.IsType<SettingsApplied>(Decisions[0].Message).Failure!.Reason);
        _instance.Refuses = _ => null;
        _core.Apply(new ApplySettings(1, 0, _instance.Module.Model, ModeSettings.Default));
        Assert.Null(Assert.IsType<SettingsApplied>(Decisions[1].Message).Failure);
        Assert.Single(_instance.Applied);
    }

    [Fact, Trait("row", "MO-11")]
    public void A_release_is_answered_when_the_lanes_at_work_have_released_too()
    {
        Run();
        _core.ReleaseHeld(new ReleaseResources(1, 0, _instance.Module.Model, default));
        Assert.Single(_instance.Released);
        Assert.DoesNotContain(Decisions, decision => decision.Message is ResourcesReleased);
        _instance.Busy[0].Complete();
        _core.Poll();
        Assert.Single(Decisions, decision => decision.Message is ResourcesReleased);
        _core.Poll();
        Assert.Single(Decisions, decision => decision.Message is ResourcesReleased);
    }

    [Fact]
    public void A_release_of_an_instance_that_retires_is_answered_all_the_same()
    {
        Run();
        _core.ReleaseHeld(new ReleaseResources(1, 0, _instance.Module.Model, default));
        _instance.Busy[0].Complete();
        _core.Retire(new RetireInstance(1, 0, _instance.Module.Model));
        _core.Poll();
        Assert.Single(Decisions, decision => decision.Message is ResourcesReleased);
    }

    private List<ExecutorDecision> Decisions => _recorder.Applied;

    private Launch Run()
    {
        var launch = new Launch(1, 0, [Admitted()]);
        _core.Run(launch);
        return launch;
    }

    private void EndAll()
    {
        foreach (FakeLane lane in _instance.Busy)
        {
            lane.Complete();
        }

        _core.Poll();
    }

    private AdmittedForward Admitted(Tensor[]? inputs = null, bool suspect = false)
    {
        var forward = new Forward
        {
            Id = new RequestId(default, ++_counter),
            Model = new ModelReference("m"),
            Inputs = inputs ?? [new Tensor("x", ElementType.UInt8, new TensorShape(1), new byte[1])],
        };
        var dispatch = new DispatchForward(forward, _instance.Module.Model, 1, TimeSpan.FromSeconds(30), null)
        {
            Suspicion = suspect ? ForwardSuspicion.Suspect : ForwardSuspicion.None,
        };
        return new AdmittedForward(dispatch, ModeSettings.Default, 0);
    }
}
