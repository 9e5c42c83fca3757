using Akka.Actor;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>One GPU's decisions, with its forwards (<see cref="GpuForwards"/>) and instances.</summary>
public sealed class GpuCoreTests : GpuStage
{
    [Fact]
    public void Nothing_is_admitted_before_the_executor_and_the_instance_are_there()
    {
        Assert.Equal((FailureKind.DeviceLost, RetryAdvice.Retry), Refused(Admit(Model)));
        Core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        Assert.Equal((FailureKind.ModelNotLoaded, RetryAdvice.Bounce), Refused(Admit(Model)));
        Adopt(Model);
        Assert.IsType<Launch>(Assert.Single(Admit(Model)).Message);
    }

    [Fact]
    public void A_forward_for_content_that_has_given_way_is_run_by_what_took_its_place()
    {
        Core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        ModelVersion newer = Model with { Hash = new ContentHash(1, 2, 3, 4) };
        Adopt(Model);
        Adopt(newer);
        Launch old = LaunchOf(Admit(Model));
        Assert.Equal(Model, Assert.Single(old.Forwards).Model);
        Core.Unload(new UnloadInstance(Model));
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
        Assert.Equal(1, Core.Queued);
    }

    [Fact]
    public void A_forward_whose_queue_time_is_over_fails_at_its_turn_and_the_next_is_launched()
    {
        Ready();
        TimeSpan queueTime = TimeSpan.FromMilliseconds(1);
        Launch first = LaunchOf(Admit(Model, queueTime));
        Assert.Empty(Admit(Model, queueTime));
        Assert.Empty(Admit(Model));
        Now += TimeSpan.FromMilliseconds(5);
        List<GpuDecision> after = Complete(first);

        // What runs has waited for nothing, however long it runs.
        Assert.IsType<ForwardReply.Succeeded>(Outcome(after[0])!.Reply);
        ForwardReply.Failed over = Assert.IsType<ForwardReply.Failed>(Outcome(after[1])!.Reply);
        Assert.Equal((FailureKind.DeadlineExceeded, RetryAdvice.Final), (over.Kind, Outcome(after[1])!.Advice));
        Assert.Contains("waited 5 ms for device a:1/0, and may wait 1 ms", over.Detail, StringComparison.Ordinal);
        Assert.Equal(3ul, LaunchOf(after[2..]).Forwards[0].Forward.Id.Counter);
        Assert.Equal(0, Core.Queued);
    }

    [Fact]
    public void A_forward_that_waits_no_longer_than_its_queue_time_is_launched()
    {
        Ready();
        Launch first = LaunchOf(Admit(Model));
        Assert.Empty(Admit(Model, TimeSpan.FromMilliseconds(5)));
        Now += TimeSpan.FromMilliseconds(5);
        Assert.Equal(2ul, LaunchOf(Complete(first)).Forwards[0].Forward.Id.Counter);
    }

    [Fact]
    public void The_router_is_told_as_many_credits_as_are_held()
    {
        Ready();
        Decisions.Clear();
        Core.Report();
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
        Assert.Equal(Now, launch.Forwards[0].WaitedUntil);
        Decisions.Clear();
        Core.EndExecutor(new ExecutorLost(1, "a defect", false, new CrashEvidence(true, false)));
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
        Core.EndExecutor(new ExecutorLost(1, "a defect", false));

        // The router hears of the state before it can choose again.
        Assert.Equal(GpuHealth.Rebuilding, Assert.IsType<GpuReport>(Decisions[0].Message).Health);
        List<GpuDecision> released = [.. Decisions.Where(decision => decision.Action == GpuAction.Release)];
        Assert.Equal([launched, RetryAdvice.Retry], released.Select(decision => Outcome(decision)!.Advice));
        Assert.All(
            released,
            decision => Assert.Equal(FailureKind.DeviceLost, Assert.IsType<ForwardReply.Failed>(Outcome(decision)!.Reply).Kind)
        );
        Assert.Equal((0, 0), (Core.Queued, Core.Launched));
    }

    [Fact]
    public void What_an_executor_of_an_earlier_life_says_is_dropped()
    {
        Ready();
        Launch old = LaunchOf(Admit(Model));
        Core.EndExecutor(new ExecutorLost(1, "a defect", false));
        Assert.Empty(Complete(old));
        Core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Assert.Empty(Complete(old));
        Assert.Equal(GpuHealth.Ready, Core.Health);
        Decisions.Clear();
        Core.Fault(new DeviceFaulted(1, "late"));
        Core.EndExecutor(new ExecutorLost(1, "late", false));
        Assert.Empty(Decisions);
    }

    [Fact]
    public void A_sticky_error_is_for_good()
    {
        Ready();
        Decisions.Clear();
        Core.Fault(new DeviceFaulted(1, "illegal address"));
        Assert.Contains(Decisions, decision => decision.Message is GpuQuarantined);
        Core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Assert.Equal(GpuHealth.Quarantined, Core.Health);
        Assert.Contains("illegal address", Core.Snapshot().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_executor_that_does_not_answer_is_found_out_and_its_forwards_are_not_sent_again()
    {
        Ready();
        Begin(LaunchOf(Admit(Model)));
        Admit(Model);
        Core.Tick(Now);
        Now += TimeSpan.FromSeconds(0.9);
        Core.Tick(Now);
        Assert.Equal(GpuHealth.Ready, Core.Health);
        Decisions.Clear();
        Now += TimeSpan.FromSeconds(0.2);
        Core.Tick(Now);
        Assert.Equal(GpuHealth.Quarantined, Core.Health);
        Assert.Equal(
            [RetryAdvice.Final, RetryAdvice.Retry],
            Decisions.Where(decision => decision.Action == GpuAction.Release).Select(decision => Outcome(decision)!.Advice)
        );
    }

    [Fact]
    public void A_device_whose_executor_hung_comes_back_with_the_next_one()
    {
        Ready();
        Core.Tick(Now);
        Core.Tick(Now += TimeSpan.FromSeconds(1));
        Core.Tick(Now += TimeSpan.FromSeconds(1));
        Assert.Equal(GpuHealth.Quarantined, Core.Health);
        Assert.Single(Decisions, decision => decision.Message is ExecutorHangs);
        Assert.DoesNotContain(Decisions, decision => decision.Message is GpuQuarantined);
        Core.EndExecutor(new ExecutorLost(1, "hung", false));
        Assert.Equal(GpuHealth.Quarantined, Core.Health);
        Core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Assert.Equal(GpuHealth.Ready, Core.Health);
    }

    [Fact]
    public void What_an_executor_holds_that_hangs_on_a_sibling_is_not_run_again_meanwhile()
    {
        Ready(safe: false);
        Launch launch = LaunchOf(Admit(Model));
        Admit(Model);
        Decisions.Clear();
        Core.EndExecutor(new ExecutorLost(1, "it hangs", false, default, Hangs: true));
        Assert.Equal(GpuHealth.Quarantined, Core.Health);
        Dictionary<RequestId, RetryAdvice> advice = Decisions
            .Where(decision => decision.Action == GpuAction.Release)
            .ToDictionary(decision => Outcome(decision)!.Reply.Id, decision => Outcome(decision)!.Advice);
        Assert.Equal(2, advice.Count);
        Assert.Equal(RetryAdvice.Final, advice[launch.Forwards[0].Forward.Id]);
        Assert.Contains(RetryAdvice.Retry, advice.Values);
        Core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Assert.Equal(GpuHealth.Ready, Core.Health);
    }

    [Fact]
    public void What_is_launched_when_its_node_stops_in_order_runs_again_and_is_no_suspect()
    {
        Ready();
        Begin(LaunchOf(Admit(Model)));
        Decisions.Clear();
        Core.Stop();
        ForwardOutcome outcome = Outcome(Decisions.Single(decision => decision.Action == GpuAction.Release))!;
        Assert.Equal(RetryAdvice.Retry, outcome.Advice);
        Assert.Equal(FailureKind.Draining, Assert.IsType<ForwardReply.Failed>(outcome.Reply).Kind);
    }

    [Fact]
    public void A_pause_of_the_process_is_no_hang()
    {
        Ready();
        Core.Tick(Now);
        Core.Tick(Now += TimeSpan.FromSeconds(22));
        Assert.Equal(GpuHealth.Ready, Core.Health);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_the_executor_had_not_begun_with_goes_elsewhere_and_the_only_one_begun_is_told_so(bool safe)
    {
        Ready(safe);
        Admit(Model);
        Decisions.Clear();
        Core.EndExecutor(new ExecutorLost(1, "a defect", false, new CrashEvidence(true, false)));
        ForwardOutcome untouched = Outcome(Decisions.Single(decision => decision.Action == GpuAction.Release))!;
        Assert.Equal((RetryAdvice.Retry, false, false), (untouched.Advice, untouched.Launched, untouched.Alone));

        Core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Adopt(Model, safe, incarnation: 2);
        Begin(LaunchOf(Admit(Model)));
        Decisions.Clear();
        Core.EndExecutor(new ExecutorLost(2, "a defect", false, new CrashEvidence(true, false)));
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
            Core.Tick(Now);
            Heartbeat beat = Assert.Single(Decisions.Select(decision => decision.Message).OfType<Heartbeat>());
            Now += TimeSpan.FromSeconds(0.9);
            Core.Beat(new HeartbeatAnswer(1, beat.Sequence, new DeviceMemory(40, 100), []));
        }

        Assert.Equal(GpuHealth.Ready, Core.Health);
        Assert.Equal(60, Core.Snapshot().MemoryUsedBytes);
    }

    [Fact]
    public void Unloading_waits_for_the_forwards_that_were_admitted()
    {
        Ready();
        Launch first = LaunchOf(Admit(Model));
        Admit(Model);
        Decisions.Clear();
        Core.Unload(new UnloadInstance(Model));
        Assert.DoesNotContain(Decisions, decision => decision.Message is RetireInstance);
        Assert.Equal(FailureKind.ModelNotLoaded, Refused(Admit(Model)).Kind);
        Launch second = LaunchOf(Complete(first));
        Assert.IsType<RetireInstance>(Complete(second)[^1].Message);
        Decisions.Clear();
        Core.Retired(new InstanceRetired(1, Model));
        Assert.IsType<InstanceGone>(Assert.Single(Decisions).Message);
    }
}
