using Akka.Actor;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>One GPU's decisions, with its forwards (<see cref="GpuForwards"/>), instances and modes (<see cref="GpuModes"/>).</summary>
public sealed class GpuCoreTests
{
    private static readonly GpuId Id = new(new NodeId("a:1"), 0);
    private static readonly ModelVersion Model = new("m", 1, default);
    private static readonly ModelVersion Second = new("n", 1, default);

    private readonly GpuRecorder _recorder = new();
    private readonly GpuCore _core;
    private readonly ModesAsker _asker = new();
    private TimeSpan _now = TimeSpan.FromSeconds(1);
    private ulong _counter;

    public GpuCoreTests() =>
        _core = new GpuCore(
            new GpuSpec(Id, "fake", 100, QueueLimit: 2, LaunchLimit: 1, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)),
            _recorder.Queue
        );

    [Fact]
    public void Nothing_is_admitted_before_the_executor_and_the_instance_are_there()
    {
        Assert.Equal((FailureKind.DeviceLost, RetryAdvice.Retry), Refused(Admit(Model)));
        _core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        Assert.Equal((FailureKind.ModelNotLoaded, RetryAdvice.Bounce), Refused(Admit(Model)));
        Adopt(Model);
        Assert.IsType<Launch>(Assert.Single(Admit(Model)).Message);
    }

    [Fact]
    public void A_forward_for_content_that_has_given_way_is_run_by_what_took_its_place()
    {
        _core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        ModelVersion newer = Model with { Hash = new ContentHash(1, 2, 3, 4) };
        Adopt(Model);
        Adopt(newer);
        Launch old = LaunchOf(Admit(Model));
        Assert.Equal(Model, Assert.Single(old.Forwards).Model);
        _core.Unload(new UnloadInstance(Model));
        Complete(old);
        Assert.Equal(newer, Assert.Single(LaunchOf(Admit(Model)).Forwards).Model);
        Assert.Equal((FailureKind.ModelNotLoaded, RetryAdvice.Bounce), Refused(Admit(Model with { Number = 2 })));
    }

    [Fact]
    public void The_queue_is_bounded_and_the_next_launch_follows_a_completion()
    {
        Ready();
        Launch first = LaunchOf(Admit(Model));
        Assert.Empty(Admit(Model));
        Assert.Empty(Admit(Model));
        Assert.Equal((FailureKind.QueueFull, RetryAdvice.Bounce), Refused(Admit(Model)));
        List<GpuDecision> after = Complete(first);
        Assert.Equal(GpuAction.Release, after[0].Action);
        Assert.IsType<ForwardReply.Succeeded>(Outcome(after[0])!.Reply);
        Assert.IsType<Launch>(after[1].Message);
        Assert.Equal(1, _core.Queued);
    }

    [Fact]
    public void A_forward_whose_queue_time_is_over_fails_at_its_turn_and_the_next_is_launched()
    {
        Ready();
        TimeSpan queueTime = TimeSpan.FromMilliseconds(1);
        Launch first = LaunchOf(Admit(Model, queueTime));
        Assert.Empty(Admit(Model, queueTime));
        Assert.Empty(Admit(Model));
        _now += TimeSpan.FromMilliseconds(5);
        List<GpuDecision> after = Complete(first);

        // What runs has waited for nothing, however long it runs.
        Assert.IsType<ForwardReply.Succeeded>(Outcome(after[0])!.Reply);
        ForwardReply.Failed over = Assert.IsType<ForwardReply.Failed>(Outcome(after[1])!.Reply);
        Assert.Equal((FailureKind.DeadlineExceeded, RetryAdvice.Final), (over.Kind, Outcome(after[1])!.Advice));
        Assert.Contains("waited 5 ms for device a:1/0, and may wait 1 ms", over.Detail, StringComparison.Ordinal);
        Assert.Equal(3ul, LaunchOf(after[2..]).Forwards[0].Forward.Id.Counter);
        Assert.Equal(0, _core.Queued);
    }

    [Fact]
    public void A_forward_that_waits_no_longer_than_its_queue_time_is_launched()
    {
        Ready();
        Launch first = LaunchOf(Admit(Model));
        Assert.Empty(Admit(Model, TimeSpan.FromMilliseconds(5)));
        _now += TimeSpan.FromMilliseconds(5);
        Assert.Equal(2ul, LaunchOf(Complete(first)).Forwards[0].Forward.Id.Counter);
    }

    [Fact]
    public void The_router_is_told_as_many_credits_as_are_held()
    {
        Ready();
        Decisions.Clear();
        _core.Report();
        int credits = ((GpuReport)Decisions[0].Message!).Credits;
        for (int i = 0; i < credits; i++)
        {
            Assert.DoesNotContain(Admit(Model), decision => decision.Action == GpuAction.Release);
        }

        Assert.Equal(FailureKind.QueueFull, Refused(Admit(Model)).Kind);
    }

    [Fact]
    public void A_dropped_forward_leaves_the_queue_and_a_launched_one_gives_its_credit_back_at_the_end()
    {
        Ready();
        Launch launched = LaunchOf(Admit(Model));
        Admit(Model);
        GpuDecision dropped = Assert.Single(Drop(2));
        Assert.Equal((GpuAction.Release, (ForwardOutcome?)null), (dropped.Action, Outcome(dropped)));
        Assert.Empty(Drop(1));
        GpuDecision done = Assert.Single(Complete(launched));
        Assert.Equal((GpuAction.Release, (ForwardOutcome?)null), (done.Action, Outcome(done)));
    }

    [Fact]
    public void A_launched_forward_whose_caller_has_gone_is_told_as_lost()
    {
        Ready();
        Launch launch = LaunchOf(Admit(Model));
        Begin(launch);
        Assert.Empty(Drop(1));
        Assert.Equal(_now, launch.Forwards[0].WaitedUntil);
        Decisions.Clear();
        _core.EndExecutor(new ExecutorLost(1, "a defect", false, new CrashEvidence(true, false)));
        ForwardOutcome lost = Outcome(Decisions.Single(decision => decision.Action == GpuAction.Release))!;
        Assert.Equal((true, true, Id), (lost.Launched, lost.Alone, lost.Gpu));
        Assert.Equal(FailureKind.DeviceLost, Assert.IsType<ForwardReply.Failed>(lost.Reply).Kind);
    }

    [Theory]
    [InlineData(true, RetryAdvice.Retry)]
    [InlineData(false, RetryAdvice.Final)]
    public void A_lost_executor_sends_the_queue_elsewhere_and_the_launched_if_they_may_run_twice(bool safe, RetryAdvice launched)
    {
        Ready(safe);
        Begin(LaunchOf(Admit(Model)));
        Admit(Model);
        Decisions.Clear();
        _core.EndExecutor(new ExecutorLost(1, "a defect", false));

        // The router hears of the state before it can choose again.
        Assert.Equal(GpuHealth.Rebuilding, Assert.IsType<GpuReport>(Decisions[0].Message).Health);
        List<GpuDecision> released = [.. Decisions.Where(decision => decision.Action == GpuAction.Release)];
        Assert.Equal([launched, RetryAdvice.Retry], released.Select(decision => Outcome(decision)!.Advice));
        Assert.All(
            released,
            decision => Assert.Equal(FailureKind.DeviceLost, Assert.IsType<ForwardReply.Failed>(Outcome(decision)!.Reply).Kind)
        );
        Assert.Equal((0, 0), (_core.Queued, _core.Launched));
    }

    [Fact]
    public void What_an_executor_of_an_earlier_life_says_is_dropped()
    {
        Ready();
        Launch old = LaunchOf(Admit(Model));
        _core.EndExecutor(new ExecutorLost(1, "a defect", false));
        Assert.Empty(Complete(old));
        _core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Assert.Empty(Complete(old));
        Assert.Equal(GpuHealth.Ready, _core.Health);
        Decisions.Clear();
        _core.Fault(new DeviceFaulted(1, "late"));
        _core.EndExecutor(new ExecutorLost(1, "late", false));
        Assert.Empty(Decisions);
    }

    [Fact]
    public void A_sticky_error_is_for_good()
    {
        Ready();
        Decisions.Clear();
        _core.Fault(new DeviceFaulted(1, "illegal address"));
        Assert.Contains(Decisions, decision => decision.Message is GpuQuarantined);
        _core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Assert.Equal(GpuHealth.Quarantined, _core.Health);
        Assert.Contains("illegal address", _core.Snapshot().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_executor_that_does_not_answer_is_found_out_and_its_forwards_are_not_sent_again()
    {
        Ready();
        Begin(LaunchOf(Admit(Model)));
        Admit(Model);
        _core.Tick(_now);
        _now += TimeSpan.FromSeconds(0.9);
        _core.Tick(_now);
        Assert.Equal(GpuHealth.Ready, _core.Health);
        Decisions.Clear();
        _now += TimeSpan.FromSeconds(0.2);
        _core.Tick(_now);
        Assert.Equal(GpuHealth.Quarantined, _core.Health);
        Assert.Equal(
            [RetryAdvice.Final, RetryAdvice.Retry],
            Decisions.Where(decision => decision.Action == GpuAction.Release).Select(decision => Outcome(decision)!.Advice)
        );
    }

    [Fact]
    public void A_device_whose_executor_hung_comes_back_with_the_next_one()
    {
        Ready();
        _core.Tick(_now);
        _core.Tick(_now += TimeSpan.FromSeconds(1));
        _core.Tick(_now += TimeSpan.FromSeconds(1));
        Assert.Equal(GpuHealth.Quarantined, _core.Health);
        Assert.Single(Decisions, decision => decision.Message is ExecutorHangs);
        Assert.DoesNotContain(Decisions, decision => decision.Message is GpuQuarantined);
        _core.EndExecutor(new ExecutorLost(1, "hung", false));
        Assert.Equal(GpuHealth.Quarantined, _core.Health);
        _core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Assert.Equal(GpuHealth.Ready, _core.Health);
    }

    [Fact]
    public void What_an_executor_holds_that_hangs_on_a_sibling_is_not_run_again_meanwhile()
    {
        Ready(safe: false);
        Launch launch = LaunchOf(Admit(Model));
        Admit(Model);
        Decisions.Clear();
        _core.EndExecutor(new ExecutorLost(1, "it hangs", false, default, Hangs: true));
        Assert.Equal(GpuHealth.Quarantined, _core.Health);
        Dictionary<RequestId, RetryAdvice> advice = Decisions
            .Where(decision => decision.Action == GpuAction.Release)
            .ToDictionary(decision => Outcome(decision)!.Reply.Id, decision => Outcome(decision)!.Advice);
        Assert.Equal(2, advice.Count);
        Assert.Equal(RetryAdvice.Final, advice[launch.Forwards[0].Forward.Id]);
        Assert.Contains(RetryAdvice.Retry, advice.Values);
        _core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Assert.Equal(GpuHealth.Ready, _core.Health);
    }

    [Fact]
    public void What_is_launched_when_its_node_stops_in_order_runs_again_and_is_no_suspect()
    {
        Ready();
        Begin(LaunchOf(Admit(Model)));
        Decisions.Clear();
        _core.Stop();
        ForwardOutcome outcome = Outcome(Decisions.Single(decision => decision.Action == GpuAction.Release))!;
        Assert.Equal(RetryAdvice.Retry, outcome.Advice);
        Assert.Equal(FailureKind.Draining, Assert.IsType<ForwardReply.Failed>(outcome.Reply).Kind);
    }

    [Fact]
    public void A_pause_of_the_process_is_no_hang()
    {
        Ready();
        _core.Tick(_now);
        _core.Tick(_now += TimeSpan.FromSeconds(22));
        Assert.Equal(GpuHealth.Ready, _core.Health);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_the_executor_had_not_begun_with_goes_elsewhere_and_the_only_one_begun_is_told_so(bool safe)
    {
        Ready(safe);
        Admit(Model);
        Decisions.Clear();
        _core.EndExecutor(new ExecutorLost(1, "a defect", false, new CrashEvidence(true, false)));
        ForwardOutcome untouched = Outcome(Decisions.Single(decision => decision.Action == GpuAction.Release))!;
        Assert.Equal((RetryAdvice.Retry, false, false), (untouched.Advice, untouched.Launched, untouched.Alone));

        _core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        _core.Adopt(new InstanceAdopted(9, 2, 0, Spec(Model, safe), ModuleTraits.Plain), _now);
        Begin(LaunchOf(Admit(Model)));
        Decisions.Clear();
        _core.EndExecutor(new ExecutorLost(2, "a defect", false, new CrashEvidence(true, false)));
        ForwardOutcome begun = Outcome(Decisions.Single(decision => decision.Action == GpuAction.Release))!;
        Assert.Equal((safe ? RetryAdvice.Retry : RetryAdvice.Final, true, true), (begun.Advice, begun.Launched, begun.Alone));
    }

    [Fact]
    public void An_executor_that_answers_is_left_alone()
    {
        Ready();
        for (int i = 0; i < 20; i++)
        {
            Decisions.Clear();
            _core.Tick(_now);
            Heartbeat beat = Assert.Single(Decisions.Select(decision => decision.Message).OfType<Heartbeat>());
            _now += TimeSpan.FromSeconds(0.9);
            _core.Beat(new HeartbeatAnswer(1, beat.Sequence, new DeviceMemory(40, 100), []));
        }

        Assert.Equal(GpuHealth.Ready, _core.Health);
        Assert.Equal(60, _core.Snapshot().MemoryUsedBytes);
    }

    [Fact]
    public void Unloading_waits_for_the_forwards_that_were_admitted()
    {
        Ready();
        Launch first = LaunchOf(Admit(Model));
        Admit(Model);
        Decisions.Clear();
        _core.Unload(new UnloadInstance(Model));
        Assert.DoesNotContain(Decisions, decision => decision.Message is RetireInstance);
        Assert.Equal(FailureKind.ModelNotLoaded, Refused(Admit(Model)).Kind);
        Launch second = LaunchOf(Complete(first));
        Assert.IsType<RetireInstance>(Complete(second)[^1].Message);
        Decisions.Clear();
        _core.Retired(new InstanceRetired(1, Model));
        Assert.IsType<InstanceGone>(Assert.Single(Decisions).Message);
    }

    [Fact]
    public void Settings_are_those_of_the_moment_a_forward_is_queued()
    {
        Ready();
        Admit(Model);
        Admit(Model);
        Commit(1, new Modes(new ModeSettings { MultiDeviceSafe = true }, 5));
        Admit(Model);
        List<AdmittedForward> queued = [];
        for (int i = 0; i < 3; i++)
        {
            Launch launch = _launches[^1];
            queued.Add(launch.Forwards[0]);
            Complete(launch);
        }

        Assert.Equal([false, false, true], queued.Select(forward => forward.Settings.MultiDeviceSafe));
        Assert.Equal([0, 0, 5], queued.Select(forward => forward.Epoch));
    }

    [Fact]
    public void Preparing_asks_every_instance_and_changes_nothing()
    {
        Ready();
        Adopt(Second);
        Decisions.Clear();
        _core.Modes.Check(new CheckGpuModes(4, new Modes(new ModeSettings { MultiDeviceSafe = true }, 5, Second)), _asker);
        GpuModesChecked prepared = Assert.IsType<GpuModesChecked>(Assert.Single(Decisions).Message);
        InstanceRefusal refusal = Assert.Single(prepared.Refusals);
        Assert.Equal((4, Second, "they contradict"), (prepared.Change, refusal.Model, refusal.Reason));
        Assert.False(LaunchOf(Admit(Model)).Settings.MultiDeviceSafe);
    }

    [Fact]
    public void A_change_of_the_instance_is_a_barrier_that_others_pass_by()
    {
        Ready();
        Adopt(Second);
        Launch before = LaunchOf(Admit(Model));
        var budget = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        Commit(7, new Modes(budget, 6, Model));
        Admit(Model);
        Admit(Second);

        // The forward before ends: the settings are applied, the later one waits, the other model's does not.
        List<GpuDecision> after = Complete(before);
        Assert.Contains(after, decision => decision.Message is ApplySettings { Settings.WeightBudget.ByteCount: 10 });
        Launch other = LaunchOf(after);
        Assert.Equal(Second, other.Model);
        Assert.DoesNotContain(after, decision => decision.Message is GpuModesApplied);
        Complete(other);
        Decisions.Clear();
        _core.Applied(new SettingsApplied(1, Model, budget, null), _now);
        Assert.Equal(7, Assert.IsType<GpuModesApplied>(Decisions[0].Message).Change);
        Assert.Equal(Model, LaunchOf(Decisions).Model);
    }

    [Fact]
    public void A_change_of_one_model_waits_for_no_other_model()
    {
        Ready();
        Adopt(Second);
        Launch held = LaunchOf(Admit(Model));
        var small = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        var smaller = new ModeSettings { WeightBudget = WeightBudget.OfBytes(5) };
        Commit(1, new Modes(small, 1, Model));
        Commit(2, new Modes(smaller, 2, Model));
        Assert.Empty(Decisions);

        // The second model's change is applied, and acknowledged, while the first model's forward is held.
        var safe = new ModeSettings { WeightBudget = WeightBudget.OfBytes(7), MultiDeviceSafe = true };
        Commit(3, new Modes(smaller, 3, Model) { Others = { [Second] = safe } }, new ModeScope { Model = new ModelReference(Second.Name) });
        Assert.Equal(Second, Assert.IsType<ApplySettings>(Assert.Single(Decisions).Message).Model);
        Applied(Second, safe);
        Assert.Equal([3], Acknowledged());

        // The first model takes its changes one after the other, each behind the forwards queued before it.
        Admit(Model);
        Complete(held);
        Assert.Equal(10, Told().WeightBudget.ByteCount);
        Launch waited = LaunchOf(Applied(Model, small));
        Assert.Equal(1, waited.Forwards[0].Epoch);
        Assert.Equal([1], Acknowledged());
        Complete(waited);
        Assert.Equal(5, Told().WeightBudget.ByteCount);
        Applied(Model, smaller);
        Assert.Equal([2], Acknowledged());
        Assert.Equal(3, LaunchOf(Admit(Model)).Forwards[0].Epoch);

        List<GpuDecision> Applied(ModelVersion model, ModeSettings settings)
        {
            Decisions.Clear();
            _core.Applied(new SettingsApplied(1, model, settings, null), _now);
            return Taken();
        }

        ModeSettings Told() => Decisions.Select(decision => decision.Message).OfType<ApplySettings>().Single().Settings;

        IEnumerable<long> Acknowledged() =>
            Decisions.Select(decision => decision.Message).OfType<GpuModesApplied>().Select(applied => applied.Change);
    }

    [Fact]
    public void An_instance_outside_a_change_that_cannot_take_what_holds_is_not_among_its_refusals()
    {
        Ready();
        Adopt(Second);
        var wide = new ModeSettings { WeightBudget = WeightBudget.OfBytes(-1) };
        var refusal = new InstanceRefusal(Model, FailureKind.NotSupported, "no budget");
        Commit(1, new Modes(wide, 1, Model));
        _core.Applied(new SettingsApplied(1, Model, wide, refusal), _now);

        // It tries again what it has not got, with a change that is another model's.
        var other = new ModeSettings { WeightBudget = WeightBudget.OfBytes(7) };
        Commit(2, new Modes(wide, 2, Model) { Others = { [Second] = other } }, new ModeScope { Model = new ModelReference(Second.Name) });
        Assert.Equal(2, Decisions.Count(decision => decision.Message is ApplySettings));
        Decisions.Clear();
        _core.Applied(new SettingsApplied(1, Model, wide, refusal), _now);
        _core.Applied(new SettingsApplied(1, Second, other, null), _now);
        Assert.Empty(Decisions.Select(decision => decision.Message).OfType<GpuModesApplied>().Single().Refusals);
    }

    [Fact]
    public void A_change_waits_for_no_instance_that_has_gone_and_keeps_no_other_from_leaving()
    {
        Ready();
        Adopt(Second);
        Launch held = LaunchOf(Admit(Model));
        Commit(1, new Modes(new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) }, 1, Model));
        Commit(2, new Modes(new ModeSettings { WeightBudget = WeightBudget.OfBytes(5) }, 2, Model));
        _core.Unload(new UnloadInstance(Second));
        Assert.Contains(Decisions, decision => decision.Message is RetireInstance { Model: var retired } && retired == Second);
        _core.Retired(new InstanceRetired(1, Second));
        Assert.DoesNotContain(Decisions, decision => decision.Message is GpuModesApplied);
        Decisions.Clear();
        _core.EndExecutor(new ExecutorLost(1, "a defect", false));
        Assert.Equal([1, 2], Decisions.Select(decision => decision.Message).OfType<GpuModesApplied>().Select(applied => applied.Change));
        Assert.NotNull(held);
    }

    [Fact]
    public void A_refused_change_is_reported_and_the_waiting_forwards_run()
    {
        Ready();
        var budget = new ModeSettings { WeightBudget = WeightBudget.OfBytes(-1) };
        Commit(1, new Modes(budget, 1, Model));
        Admit(Model);
        Decisions.Clear();
        _core.Applied(new SettingsApplied(1, Model, budget, new InstanceRefusal(Model, FailureKind.NotSupported, "no budget")), _now);
        GpuModesApplied committed = Decisions.Select(decision => decision.Message).OfType<GpuModesApplied>().Single();
        Assert.Equal("no budget", Assert.Single(committed.Refusals).Reason);
        Assert.Single(Decisions, decision => decision.Message is Launch);
    }

    [Fact]
    public void Resources_are_released_once_the_forwards_queued_under_them_are_done()
    {
        Ready();
        Commit(1, new Modes(new ModeSettings(), 1) { Holds = new HeldModes(true, false, false, false) });
        _core.Released(new ResourcesReleased(1, Model, new HeldModes(true, false, false, false)), _now);
        Launch under = LaunchOf(Admit(Model));
        Commit(2, new Modes(new ModeSettings(), 2));
        Assert.DoesNotContain(Decisions, decision => decision.Message is ReleaseResources or GpuModesApplied);
        Assert.Contains(Complete(under), decision => decision.Message is ReleaseResources { Held.SegmentGraphs: false });
        Decisions.Clear();
        _core.Released(new ResourcesReleased(1, Model, default), _now);
        Assert.Equal(2, Assert.IsType<GpuModesApplied>(Assert.Single(Decisions).Message).Change);
    }

    [Fact]
    public void A_commit_under_way_ends_when_the_executor_is_lost()
    {
        Ready();
        Admit(Model);
        Commit(3, new Modes(new ModeSettings { Workspace = WorkspaceStrategy.Dynamic }, 1, Model));
        Decisions.Clear();
        _core.EndExecutor(new ExecutorLost(1, "a defect", false));
        Assert.Single(Decisions, decision => decision.Message is GpuModesApplied { Change: 3 });

        // The instance that comes back takes what holds before it is admitted.
        _core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Decisions.Clear();
        _core.Adopt(new InstanceAdopted(9, 2, 0, Spec(Model, true), ModuleTraits.Plain), _now);
        ApplySettings apply = Assert.IsType<ApplySettings>(Assert.Single(Decisions).Message);
        Assert.Equal(FailureKind.ModelNotLoaded, Refused(Admit(Model)).Kind);
        _core.Applied(new SettingsApplied(2, Model, apply.Settings, null), _now);
        Assert.Contains(Decisions, decision => decision.Message is InstanceReady { Ticket: 9 });
        Assert.Contains(Admit(Model), decision => decision.Message is Launch);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void An_instance_that_comes_while_modes_change_ends_with_those_that_hold(bool answeredFirst, bool released)
    {
        _core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        var former = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        Commit(1, new Modes(former, 1, Model));
        Decisions.Clear();
        Adopt(Model);
        Assert.IsType<ApplySettings>(Assert.Single(Decisions).Message);

        // The executor has not answered yet; its answers come in the order it was told.
        var told = new Queue<object>(Decisions.Select(decision => decision.Message!));
        ModeSettings last = ModeSettings.Default;
        if (answeredFirst)
        {
            Answer(told, ref last);
        }

        Commit(2, new Modes(new ModeSettings(), 2) { Holds = new HeldModes(released, false, false, false) });
        bool committed = Decisions.Exists(decision => decision.Message is GpuModesApplied { Change: 2 });
        Take(told);
        while (told.Count > 0)
        {
            Answer(told, ref last);
            committed |= Decisions.Exists(decision => decision.Message is GpuModesApplied { Change: 2 });
            Take(told);
        }

        Assert.True(committed, "The change is never acknowledged.");
        Assert.Equal(WeightBudget.Automatic, last.WeightBudget);
        Assert.Contains(Admit(Model), decision => decision.Message is Launch);

        void Take(Queue<object> messages)
        {
            foreach (
                object message in Decisions
                    .Where(decision => decision.Action == GpuAction.TellExecutor)
                    .Select(decision => decision.Message!)
            )
            {
                messages.Enqueue(message);
            }

            Decisions.Clear();
        }

        void Answer(Queue<object> messages, ref ModeSettings applied)
        {
            Decisions.Clear();
            switch (messages.Dequeue())
            {
                case ApplySettings apply:
                    applied = apply.Settings;
                    _core.Applied(new SettingsApplied(1, Model, apply.Settings, null), _now);
                    break;
                case ReleaseResources release:
                    _core.Released(new ResourcesReleased(1, Model, release.Held), _now);
                    break;
            }
        }
    }

    [Fact]
    public void An_instance_that_could_not_take_the_settings_when_it_came_fails_its_forwards_and_is_explained()
    {
        _core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        var budget = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        Commit(1, new Modes(budget, 1, Model));
        Adopt(Model);
        _core.Applied(new SettingsApplied(1, Model, budget, new InstanceRefusal(Model, FailureKind.OutOfDeviceMemory, "no room")), _now);
        Assert.Equal(FailureKind.ModeConflict, Refused(Admit(Model)).Kind);
        Assert.Equal(["they contradict", "no room"], Explained());

        // The change that was its reason ends: it runs, and there is nothing left to explain.
        Commit(2, new Modes(new ModeSettings(), 2));
        Assert.Contains(Admit(Model), decision => decision.Message is Launch);
        Assert.Empty(Explained());
    }

    [Fact]
    public void An_instance_that_keeps_its_former_settings_is_explained_until_it_has_those_that_hold()
    {
        Ready();
        var budget = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        Commit(1, new Modes(budget, 1, Model));
        _core.Applied(new SettingsApplied(1, Model, budget, new InstanceRefusal(Model, FailureKind.OutOfDeviceMemory, "no room")), _now);
        Assert.Contains("It keeps its former settings: no room", Explained());
        Assert.Contains(Admit(Model), decision => decision.Message is Launch);
        Commit(2, new Modes(new ModeSettings(), 2));
        Assert.Empty(Explained());
    }

    private string[] Explained()
    {
        Decisions.Clear();
        _core.Modes.Check(new CheckGpuModes(4, _core.Modes.Present, Explains: true), _asker);
        return [.. Assert.IsType<GpuModesChecked>(Assert.Single(Decisions).Message).Refusals.Select(refusal => refusal.Reason)];
    }

    private readonly List<Launch> _launches = [];

    /// <summary>What an executor does first.</summary>
    private static void Begin(Launch launch)
    {
        foreach (AdmittedForward forward in launch.Forwards)
        {
            forward.MarkLaunched();
        }
    }

    private List<GpuDecision> Decisions => _recorder.Applied;

    private void Ready(bool safe = true)
    {
        _core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        Adopt(Model, safe);
    }

    private void Adopt(ModelVersion model, bool safe = true) =>
        _core.Adopt(new InstanceAdopted(1, 1, 0, Spec(model, safe), ModuleTraits.Plain), _now);

    private static ModuleSpec Spec(ModelVersion model, bool safe) => new(model, "fake", [], [], [], safe);

    private List<GpuDecision> Admit(ModelVersion model, TimeSpan queueTime = default)
    {
        Decisions.Clear();
        var forward = new Forward
        {
            Id = new RequestId(default, ++_counter),
            Model = new ModelReference(model.Name),
            Inputs = [],
            QueueTime = queueTime,
        };
        _core.Admit(new DispatchForward(forward, model, 1, _now + TimeSpan.FromSeconds(30), null), _now);
        return Taken();
    }

    private List<GpuDecision> Complete(Launch launch)
    {
        Decisions.Clear();
        _core.Complete(new LaunchEnded(launch, [.. launch.Forwards.Select(_ => ForwardResult.Succeeded([], default))]), _now);
        return Taken();
    }

    private List<GpuDecision> Drop(ulong counter)
    {
        Decisions.Clear();
        _core.Drop(new DropForward(new RequestId(default, counter), 1), _now);
        return Taken();
    }

    private void Commit(long change, IEffectiveModes modes, ModeScope? scope = null)
    {
        Decisions.Clear();
        _core.Modes.Apply(new ApplyGpuModes(change, modes, scope), _asker);
    }

    private List<GpuDecision> Taken()
    {
        _launches.AddRange(Decisions.Select(decision => decision.Message).OfType<Launch>());
        return [.. Decisions];
    }

    /// <summary>What the origin hears with this decision.</summary>
    private static ForwardOutcome? Outcome(GpuDecision decision) =>
        decision.Message as ForwardOutcome ?? (decision.Message as GpuRelease)?.Outcome;

    private static Launch LaunchOf(IEnumerable<GpuDecision> decisions) =>
        decisions.Select(decision => decision.Message).OfType<Launch>().Single();

    private static (FailureKind Kind, RetryAdvice Advice) Refused(List<GpuDecision> decisions)
    {
        GpuDecision decision = Assert.Single(decisions);
        Assert.Equal(GpuAction.Release, decision.Action);
        return (Assert.IsType<ForwardReply.Failed>(Outcome(decision)!.Reply).Kind, Outcome(decision)!.Advice);
    }

    private sealed class ModesAsker : IReplyTo<IGpuModesAnswer>
    {
        public void Answer(IGpuModesAnswer reply) => throw new InvalidOperationException("The recorder writes it down.");
    }

    /// <summary>The same settings for everything, instance settings for one model or none.</summary>
    private sealed class Modes(ModeSettings settings, long epoch, ModelVersion? instance = null) : IEffectiveModes
    {
        public HeldModes Holds { get; init; }

        public Dictionary<ModelVersion, ModeSettings> Others { get; } = [];

        public CapturedModes For(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session, ModeChange? call) =>
            new(settings, epoch);

        public ModeSettings Instance(GpuId gpu, ModelVersion model, ModuleTraits traits) =>
            model == instance ? settings : Others.GetValueOrDefault(model, ModeSettings.Default);

        public HeldModes Held(GpuId gpu, ModelVersion model, ModuleTraits traits) => Holds;

        public IReadOnlyList<ModeRefusal> Objections(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session) =>
            model == instance ? [new ModeRefusal(FailureKind.ModeConflict, "they contradict")] : [];
    }
}
