using Troupe.Actors.Forwards;
using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;

namespace Troupe.Actors.Tests.Routing;

/// <summary>What follows a crash, by tables: <see cref="Suspects"/> as <see cref="RouterCore"/> and <see cref="RouterAttempts"/> apply
/// it.</summary>
public sealed class SuspectsTests
{
    private readonly RouterTable _router = new();

    [Fact]
    public void What_was_lost_launched_runs_once_more_alone_and_elsewhere()
    {
        Devices(3);
        Forward forward = Content(1);
        Assert.Equal(0, _router.Accept(forward).Ordinal);
        RouterDecision again = Single(Lose(forward, 1, ordinal: 0));
        Assert.Equal((RouterAction.Dispatch, 1), (again.Action, again.Ordinal));
        Assert.Equal(ForwardSuspicion.Suspect, again.Dispatched!.Suspicion);
    }

    [Fact]
    public void Lost_again_it_ends_with_both_places_and_the_others_hear_of_it()
    {
        Devices(3);
        _router.Node(RouterTable.Other, queued: 5);
        Forward forward = Content(1);
        _router.Accept(forward);
        Lose(forward, 1, ordinal: 0);
        List<RouterDecision> end = Lose(forward, 2, ordinal: 1);
        ForwardReply.Failed failed = RouterTable.Refused(end.Single(decision => decision.Action == RouterAction.AnswerSink));
        Assert.Equal(FailureKind.DeviceLost, failed.Kind);
        Assert.Contains("device a:1/0", failed.Detail, StringComparison.Ordinal);
        Assert.Contains("device a:1/1", failed.Detail, StringComparison.Ordinal);
        Assert.Equal(RouterTable.Other, end.Single(decision => decision.Action == RouterAction.TellGuilty).Node);
    }

    [Fact]
    public void A_guilty_content_is_refused_whatever_the_order_of_its_inputs_and_others_are_not()
    {
        Devices(3);
        Convict(Two("x", "y"));
        ForwardReply.Failed refused = RouterTable.Refused(_router.Accept(Two("y", "x")));
        Assert.Equal(FailureKind.BackendFailed, refused.Kind);
        Assert.Contains("a:1/0", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(RouterAction.Dispatch, _router.Accept(Content(2)).Action);
        _router.Now += Suspicions.Kept;
        Assert.Equal(RouterAction.Dispatch, _router.Accept(Two("x", "y")).Action);
    }

    [Fact]
    public void What_another_router_has_found_guilty_is_refused_here_and_a_member_that_comes_is_told()
    {
        Devices(2);
        Forward forward = Content(1);
        var content = ForwardContent.Of(RouterTable.Model(), forward.Inputs);
        var told = new GuiltyForwards([
            new GuiltyForward(content.Model, content.High, content.Low, TimeSpan.FromMinutes(2), "device b:1/0"),
        ]);
        _router.Origin.Suspects.UpdateFrom(told, _router.Now);
        Assert.Contains("b:1/0", RouterTable.Refused(_router.Accept(forward)).Detail, StringComparison.Ordinal);
        _router.Decisions.Clear();
        _router.Members.Add(RouterTable.Third, _router.Now);
        RouterDecision passed = Single(_router.Decisions);
        Assert.Equal((RouterAction.TellGuilty, RouterTable.Third), (passed.Action, passed.Node));
        _router.Now += TimeSpan.FromMinutes(2);
        Assert.Equal(RouterAction.Dispatch, _router.Accept(forward).Action);
    }

    [Fact]
    public void One_that_succeeds_is_acquitted_and_then_runs_like_any_other()
    {
        Devices(3);
        Forward forward = Content(1);
        _router.Accept(forward);
        Lose(forward, 1, ordinal: 0);
        Succeed(forward, 2, ordinal: 1);
        Assert.Equal(ForwardSuspicion.None, _router.Accept(Content(1)).Dispatched!.Suspicion);
    }

    [Fact]
    public void Suspects_of_a_model_run_one_after_another_on_one_device_and_others_go_elsewhere()
    {
        Devices(3);
        Forward[] lost = [.. Enumerable.Range(1, 3).Select(i => Content((byte)i))];
        foreach (Forward forward in lost)
        {
            _router.Accept(forward);
        }

        // All three were on the three devices, which crash one after another with more launched in each.
        int first = Single(Lose(lost[0], 1, ordinal: 0, alone: false)).Ordinal;
        Assert.Empty(Lose(lost[1], 1, ordinal: 1, alone: false));
        Assert.Empty(Lose(lost[2], 1, ordinal: 2, alone: false));
        for (int i = 0; i < 6; i++)
        {
            Assert.NotEqual(first, _router.Accept(Content((byte)(10 + i))).Ordinal);
        }

        for (int i = 0; i < 2; i++)
        {
            List<RouterDecision> after = Succeed(lost[i], 2, first);
            RouterDecision next = after.Single(decision => decision.Action == RouterAction.Dispatch);
            Assert.Equal(ForwardSuspicion.Suspect, next.Dispatched!.Suspicion);
        }
    }

    [Fact]
    public void A_content_that_is_lost_while_its_like_is_suspect_and_nothing_else_was_launched_is_guilty()
    {
        Devices(3);
        Forward one = Content(1);
        Forward like = Content(1);
        _router.Accept(one);
        _router.Accept(like);
        Lose(one, 1, ordinal: 0);
        Assert.Contains(Lose(like, 1, ordinal: 1), decision => decision.Reply is ForwardReply.Failed);
    }

    [Fact]
    public void Two_like_forwards_on_two_devices_of_one_other_node_cost_two_losses()
    {
        _router.Node(RouterTable.Other);
        Forward one = Content(1);
        Forward like = Content(1);
        _router.Accept(one);
        _router.Accept(like);
        _router.Origin.End(Lost(one, 1, gpu: new GpuId(RouterTable.Other, 0)), RouterTable.Other, _router.Now);
        _router.Decisions.Clear();
        _router.Origin.End(Lost(like, 1, gpu: new GpuId(RouterTable.Other, 1)), RouterTable.Other, _router.Now);
        ForwardReply.Failed failed = RouterTable.Refused(_router.Decisions.First(decision => decision.Action == RouterAction.AnswerSink));
        Assert.Contains("device b:1/0, then alone with device b:1/1", failed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_content_whose_callers_have_gone_before_it_is_lost_is_refused_after_its_second_loss()
    {
        Devices(3);
        for (int loss = 0; loss < 2; loss++)
        {
            Forward forward = Content(1);
            RouterDecision run = _router.Accept(forward);
            Assert.Equal(loss == 0 ? ForwardSuspicion.None : ForwardSuspicion.Suspect, run.Dispatched!.Suspicion);
            if (loss == 0)
            {
                _router.Origin.Cancel(forward.Id, _router.Now);
            }
            else
            {
                _router.Origin.Tick(_router.Now += TimeSpan.FromSeconds(31));
            }

            RouterTable.Refused(_router.Decisions[^1]);
            Assert.Empty(Lose(forward, 1, run.Ordinal));
        }

        Assert.Equal(FailureKind.BackendFailed, RouterTable.Refused(_router.Accept(Content(1))).Kind);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_lost_node_ran_for_a_caller_that_has_gone_is_suspect_unless_it_was_over(bool isOver)
    {
        _router.Node(RouterTable.Other);
        Forward forward = Content(1);
        _router.Accept(forward);
        _router.Origin.Cancel(forward.Id, _router.Now);
        if (isOver)
        {
            var cancelled = new ForwardReply.Failed(forward.Id, FailureKind.Cancelled, "");
            _router.Origin.End(new ForwardOutcome(1, cancelled, RetryAdvice.Final, Launched: true), RouterTable.Other, _router.Now);
        }

        _router.Origin.EndAttemptsOn(RouterTable.Other, _router.Now);
        Devices(1);
        ForwardSuspicion suspicion = _router.Accept(Content(1)).Dispatched!.Suspicion;
        Assert.Equal(isOver ? ForwardSuspicion.None : ForwardSuspicion.Suspect, suspicion);
    }

    [Fact]
    public void A_content_that_was_only_among_others_twice_is_not_guilty()
    {
        Devices(3);
        Forward one = Content(1);
        Forward like = Content(1);
        _router.Accept(one);
        _router.Accept(like);
        Lose(one, 1, ordinal: 0, alone: false);
        Assert.Empty(Lose(like, 1, ordinal: 1, alone: false));
        Assert.Equal(2, _router.Origin.Pending);
    }

    [Fact]
    public void What_must_not_run_twice_is_answered_and_its_repetition_runs_alone_and_then_no_more()
    {
        _router.Gpu(0, safe: false);
        _router.Gpu(1, safe: false);
        Forward forward = Content(1);
        _router.Accept(forward);
        RouterTable.Refused(Single(Lose(forward, 1, ordinal: 0, advice: RetryAdvice.Final)));
        Forward second = Content(1);
        RouterDecision alone = _router.Accept(second);
        Assert.Equal(ForwardSuspicion.Suspect, alone.Dispatched!.Suspicion);
        Lose(second, 1, alone.Ordinal, advice: RetryAdvice.Final);
        Assert.Equal(FailureKind.BackendFailed, RouterTable.Refused(_router.Accept(Content(1))).Kind);
    }

    [Fact]
    public void One_that_is_not_run_again_here_is_suspect_to_the_other_routers_too()
    {
        _router.Gpu(0, safe: false);
        _router.Node(RouterTable.Other);
        Forward forward = Content(1);
        _router.Accept(forward);
        RouterDecision told = Lose(forward, 1, ordinal: 0, advice: RetryAdvice.Final)
            .Single(decision => decision.Action == RouterAction.TellGuilty);
        Assert.Equal(RouterTable.Other, told.Node);
        var elsewhere = new RouterTable();
        elsewhere.Gpu(0, safe: false);
        elsewhere.Origin.Suspects.UpdateFrom(Assert.Single(_router.Recorder.Told), elsewhere.Now);
        Forward again = Content(1);
        Assert.Equal(ForwardSuspicion.Suspect, elsewhere.Accept(again).Dispatched!.Suspicion);
        elsewhere.Decisions.Clear();
        elsewhere.Origin.Release(new GpuRelease(0, again.Id, 1, Lost(again, 1, advice: RetryAdvice.Final), Launched: true), elsewhere.Now);
        Assert.Equal(FailureKind.BackendFailed, RouterTable.Refused(elsewhere.Accept(Content(1))).Kind);
    }

    [Fact]
    public void Three_guilty_contents_in_a_minute_confine_their_model_to_one_device_and_no_other_model()
    {
        ModelVersion beside = new("n", 1, default);
        for (int ordinal = 0; ordinal < 3; ordinal++)
        {
            _router.Gpu(ordinal, credits: 50, models: [RouterTable.Model(), beside]);
        }

        for (byte content = 1; content <= Suspicions.ConfinementLimit; content++)
        {
            Convict(Content(content));
        }

        Forward first = Content(20);
        RouterDecision run = _router.Accept(first);
        Assert.Equal((0, ForwardSuspicion.Suspect), (run.Ordinal, run.Dispatched!.Suspicion));
        Forward second = Content(21);
        _router.Decisions.Clear();
        _router.Origin.Accept(second, _router.Sink, _router.Now);
        Assert.Empty(_router.Decisions);
        RouterDecision other = _router.Accept(Content(22) with { Model = new ModelReference("n") });
        Assert.Equal(ForwardSuspicion.None, other.Dispatched!.Suspicion);
        Assert.NotEqual(0, other.Ordinal);

        // Its device is rebuilt: the line waits for it.
        _router.Gpu(0, health: GpuHealth.Rebuilding, models: [beside]);
        Assert.DoesNotContain(Lose(first, 1, ordinal: 0), decision => decision.Action == RouterAction.Dispatch);
        _router.Gpu(0, credits: 50, models: [RouterTable.Model(), beside]);
        _router.Decisions.Clear();
        _router.Origin.Tick(_router.Now += TimeSpan.FromSeconds(1));
        Assert.Equal(0, Single(_router.Decisions).Ordinal);
    }

    [Fact]
    public void A_line_takes_so_many_and_refuses_the_next_until_one_of_them_has_its_answer()
    {
        Devices(2);
        Forward lost = Content(1);
        _router.Accept(lost);
        Lose(lost, 1, ordinal: 0);
        Forward[] like = [.. Enumerable.Range(0, SuspectLine.Limit).Select(_ => Content(1))];
        foreach (Forward forward in like)
        {
            _router.Origin.Accept(forward, _router.Sink, _router.Now);
        }

        Assert.Equal(FailureKind.QueueFull, RouterTable.Refused(_router.Accept(Content(1))).Kind);
        Assert.Equal(RouterAction.Dispatch, _router.Accept(Content(2)).Action);
        _router.Origin.Cancel(like[^1].Id, _router.Now);
        _router.Decisions.Clear();
        _router.Origin.Accept(Content(1), _router.Sink, _router.Now);
        Assert.Empty(_router.Decisions);
        Assert.Equal(SuspectLine.Limit, Assert.Single(_router.Origin.Suspects.Lines).Waiting.Count);
    }

    [Fact]
    public void A_suspect_that_waits_for_one_full_device_keeps_no_other_waiting()
    {
        Devices(3);
        Forward running = Content(1);
        Forward pinned = Content(2) with { Gpu = new GpuId(RouterTable.Self, 2) };
        Forward free = Content(3);
        foreach (Forward forward in (Forward[])[running, pinned, free])
        {
            int ordinal = _router.Accept(forward).Ordinal;
            Lose(forward, 1, ordinal, alone: false);
        }

        _router.Gpu(2, credits: 0);
        int first = _router.Origin.Suspects.Lines[0].Gpu!.Id.Ordinal;
        RouterDecision next = Succeed(running, 2, first).Single(decision => decision.Action == RouterAction.Dispatch);
        Assert.Equal(free.Id, next.Dispatched!.Forward.Id);
        _router.Gpu(2);
        next = Succeed(free, 2, next.Ordinal).Single(decision => decision.Action == RouterAction.Dispatch);
        Assert.Equal((pinned.Id, 2), (next.Dispatched!.Forward.Id, next.Ordinal));
    }

    [Fact]
    public void The_place_of_a_confined_model_does_not_depend_on_what_is_sent()
    {
        Confine();
        Devices(2);
        _router.Node(new NodeId("0:1"));
        ForwardReply.Failed refused = RouterTable.Refused(_router.Accept(_router.Forward(PayloadLimit.Bytes + 1)));
        Assert.Equal(FailureKind.NotSupported, refused.Kind);
        Assert.Contains("confined to device 0:1/0", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(new NodeId("0:1"), _router.Accept(Content(20)).Node);
    }

    [Fact]
    public void A_suspect_whose_version_has_been_replaced_is_answered_and_the_next_one_passes()
    {
        Devices(2);
        Forward one = Content(1);
        Forward two = Content(2);
        foreach (Forward forward in (Forward[])[one, two])
        {
            _router.Accept(forward);
            Lose(forward, 1, ordinal: 0, alone: false);
        }

        _router.Gpu(0, models: [RouterTable.Model(content: 2)]);
        _router.Gpu(1, models: [RouterTable.Model(content: 2)]);
        List<RouterDecision> after = Succeed(one, 2, ordinal: 1);
        Assert.DoesNotContain(after, decision => decision.Action == RouterAction.Dispatch);
        Assert.Equal([one.Id, two.Id], after.Select(decision => decision.Reply!.Id));
        Assert.Empty(_router.Origin.Suspects.Lines);
    }

    [Fact]
    public void One_of_a_confined_model_and_one_acquitted_meanwhile_are_not_guilty_by_their_first_loss()
    {
        Devices(3);
        Forward running = Content(1);
        Forward like = Content(2);
        Forward acquitted = Content(2);
        foreach (Forward forward in (Forward[])[running, like, acquitted])
        {
            _router.Accept(forward);
        }

        int line = Single(Lose(running, 1, ordinal: 0, alone: false)).Ordinal;
        Lose(like, 1, ordinal: 1, alone: false);
        Lose(acquitted, 1, ordinal: 2, alone: false);
        line = Succeed(running, 2, line).Single(decision => decision.Action == RouterAction.Dispatch).Ordinal;
        line = Succeed(like, 2, line).Single(decision => decision.Action == RouterAction.Dispatch).Ordinal;
        line = Single(Lose(acquitted, 2, line)).Ordinal;
        Succeed(acquitted, 3, line);

        Confine();
        Forward confined = Content(20);
        int confinedTo = _router.Accept(confined).Ordinal;
        Assert.DoesNotContain(Lose(confined, 1, confinedTo), decision => decision.Action == RouterAction.AnswerSink);
        Assert.Contains(Lose(confined, 2, confinedTo), decision => decision.Action == RouterAction.AnswerSink);
    }

    [Fact]
    public void One_lost_with_its_node_runs_on_another_node_and_here_last()
    {
        _router.Gpu(0, credits: 0);
        _router.Node(RouterTable.Other);
        _router.Node(RouterTable.Third, queued: 3);
        Forward forward = Content(1);
        Assert.Equal(RouterTable.Other, _router.Accept(forward).Node);
        _router.Gpu(0);
        _router.Decisions.Clear();
        _router.Table.SetReachable(RouterTable.Other, false);
        _router.Origin.EndAttemptsOn(RouterTable.Other, _router.Now);
        RouterDecision again = Single(_router.Decisions);
        Assert.Equal((RouterAction.Send, RouterTable.Third, true), (again.Action, again.Node, again.Route!.Suspect));
        _router.Decisions.Clear();
        _router.Table.SetReachable(RouterTable.Third, false);
        _router.Origin.EndAttemptsOn(RouterTable.Third, _router.Now);
        ForwardReply.Failed failed = RouterTable.Refused(Single(_router.Decisions));
        Assert.Equal(FailureKind.NodeUnreachable, failed.Kind);
        Assert.Contains("node b:1, then alone with node c:1", failed.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_suspect_whose_deadline_passes_in_the_line_lets_the_next_one_pass()
    {
        Devices(2);
        Forward one = Content(1);
        Forward two = Content(2) with { TimeLeft = TimeSpan.FromSeconds(1) };
        Forward three = Content(3);
        foreach (Forward forward in (Forward[])[one, two, three])
        {
            _router.Accept(forward);
            Lose(forward, 1, ordinal: 0, alone: false);
        }

        _router.Origin.Tick(_router.Now += TimeSpan.FromSeconds(2));
        _ = _router.Decisions;
        Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(two.Id));
        List<RouterDecision> after = Succeed(one, 2, ordinal: 1);
        Assert.Equal(three.Id, after.Single(decision => decision.Action == RouterAction.Dispatch).Dispatched!.Forward.Id);
    }

    [Fact]
    public void What_was_lost_in_a_queue_waits_for_a_device_that_comes_back()
    {
        _router.Gpu(0);
        Forward forward = Content(1);
        _router.Accept(forward);
        _router.Gpu(0, credits: 0);
        _router.Decisions.Clear();
        _router.Origin.Release(new GpuRelease(0, forward.Id, 1, Lost(forward, 1, launched: false)), _router.Now);
        Assert.Empty(_router.Decisions);
        _router.Gpu(0);
        _router.Origin.Tick(_router.Now += TimeSpan.FromMilliseconds(20));
        Assert.Equal(RouterAction.Dispatch, Single(_router.Decisions).Action);
    }

    private void Devices(int count)
    {
        for (int ordinal = 0; ordinal < count; ordinal++)
        {
            _router.Gpu(ordinal);
        }
    }

    private Forward Content(byte content)
    {
        Forward forward = _router.Forward();
        return forward with { Inputs = [forward.Inputs[0] with { Data = new byte[] { content, 0, 0, 0 } }] };
    }

    private Forward Two(params string[] names) =>
        _router.Forward() with
        {
            Inputs = [.. names.Select(name => new Tensor(name, ElementType.UInt8, new TensorShape(1), new byte[] { (byte)name[0] }))],
        };

    private void Convict(Forward forward)
    {
        int first = _router.Accept(forward).Ordinal;
        int second = Lose(forward, 1, first).Single(decision => decision.Action == RouterAction.Dispatch).Ordinal;
        Lose(forward, 2, second);
    }

    private void Confine() =>
        _router.Origin.Suspects.UpdateFrom(
            new GuiltyForwards([
                .. Enumerable
                    .Range(0, Suspicions.ConfinementLimit)
                    .Select(i => new GuiltyForward(RouterTable.Model(), 7, (ulong)i, TimeSpan.FromMinutes(10), "device b:1/0")),
            ]),
            _router.Now
        );

    private static ForwardOutcome Lost(
        Forward forward,
        int attempt,
        bool launched = true,
        bool alone = true,
        RetryAdvice advice = RetryAdvice.Retry,
        GpuId? gpu = null
    ) =>
        new(attempt, new ForwardReply.Failed(forward.Id, FailureKind.DeviceLost, "It was lost."), advice, launched, launched && alone, gpu);

    private List<RouterDecision> Lose(Forward forward, int attempt, int ordinal, bool alone = true, RetryAdvice advice = RetryAdvice.Retry)
    {
        _router.Decisions.Clear();
        _router.Origin.Release(
            new GpuRelease(
                ordinal,
                forward.Id,
                attempt,
                Lost(forward, attempt, alone: alone, advice: advice, gpu: new GpuId(RouterTable.Self, ordinal)),
                Launched: true
            ),
            _router.Now
        );
        return [.. _router.Decisions];
    }

    private List<RouterDecision> Succeed(Forward forward, int attempt, int ordinal)
    {
        _router.Decisions.Clear();
        var report = new ForwardReport(RouterTable.Model(), new GpuId(RouterTable.Self, ordinal), 0, attempt, default);
        var outcome = new ForwardOutcome(attempt, new ForwardReply.Succeeded(forward.Id, [], report), RetryAdvice.Final, Launched: true);
        _router.Origin.Release(new GpuRelease(ordinal, forward.Id, attempt, outcome, Launched: true), _router.Now);
        return [.. _router.Decisions];
    }

    private static RouterDecision Single(List<RouterDecision> decisions) => Assert.Single(decisions);
}
