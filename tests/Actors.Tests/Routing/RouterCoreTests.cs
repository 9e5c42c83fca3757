using Troupe.Actors.Forwards;
using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Tests.Routing;

public sealed class RouterCoreTests
{
    private readonly RouterTable _router = new();

    [Fact]
    public void Equal_devices_take_turns_and_the_least_loaded_comes_first()
    {
        _router.Gpu(0);
        _router.Gpu(1);
        int[] taken = [.. Enumerable.Range(0, 4).Select(_ => _router.Accept(_router.Forward()).Ordinal)];
        Assert.Equal([0, 1, 0, 1], taken);
        _router.Origin.Release(new GpuRelease(1, default, 1, null), _router.Now);
        Assert.Equal(1, _router.Accept(_router.Forward()).Ordinal);
    }

    [Fact]
    public void The_highest_version_is_taken_unless_a_number_is_named()
    {
        _router.Gpu(0, models: [RouterTable.Model(1), RouterTable.Model(3), RouterTable.Model(2)]);
        Assert.Equal(3, _router.Accept(_router.Forward()).Dispatched!.Model.Number);
        Assert.Equal(2, _router.Accept(_router.Forward(number: 2)).Dispatched!.Model.Number);
        Assert.Equal(FailureKind.ModelNotLoaded, RouterTable.Refused(_router.Accept(_router.Forward(number: 4))).Kind);
    }

    [Fact]
    public void An_idle_device_here_comes_before_another_node_and_a_busy_one_after_an_idle_node()
    {
        _router.Gpu(0);
        _router.Node(RouterTable.Other);
        Assert.Equal(RouterAction.Dispatch, _router.Accept(_router.Forward()).Action);
        Assert.Equal(RouterAction.Dispatch, _router.Accept(_router.Forward()).Action);
        RouterDecision sent = _router.Accept(_router.Forward());
        Assert.Equal((RouterAction.Send, RouterTable.Other), (sent.Action, sent.Node));
        Assert.Equal(1, sent.Route!.Forward.Model.Number);
    }

    [Theory]
    [InlineData(64 * 1024, true)]
    [InlineData((64 * 1024) + 1, false)]
    public void Between_nodes_a_forward_has_at_most_64_KiB(int bytes, bool sent)
    {
        _router.Node(RouterTable.Other);
        RouterDecision decision = _router.Accept(_router.Forward(bytes));
        Assert.Equal(sent ? RouterAction.Send : RouterAction.AnswerSink, decision.Action);
        if (!sent)
        {
            ForwardReply.Failed refused = RouterTable.Refused(decision);
            Assert.Equal(FailureKind.NotSupported, refused.Kind);
            Assert.Contains("65537", refused.Detail, StringComparison.Ordinal);
            Assert.Contains("65536", refused.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_large_forward_stays_where_it_was_accepted()
    {
        _router.Gpu(0);
        _router.Node(RouterTable.Other);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(RouterAction.Dispatch, _router.Accept(_router.Forward(100_000)).Action);
        }

        Assert.Equal(FailureKind.QueueFull, RouterTable.Refused(_router.Accept(_router.Forward(100_000))).Kind);

        // The device it names is here and full: that is the reason, and not that it could not travel.
        var here = new GpuId(RouterTable.Self, 0);
        Assert.Equal(FailureKind.QueueFull, RouterTable.Refused(_router.Accept(_router.Forward(100_000, here))).Kind);
        var there = new GpuId(RouterTable.Other, 0);
        Assert.Equal(FailureKind.NotSupported, RouterTable.Refused(_router.Accept(_router.Forward(100_000, there))).Kind);
    }

    [Fact]
    public void Credits_bound_what_a_device_is_given()
    {
        _router.Gpu(0, credits: 2);
        Forward first = _router.Forward();
        Assert.Equal(RouterAction.Dispatch, _router.Accept(first).Action);
        Assert.Equal(RouterAction.Dispatch, _router.Accept(_router.Forward()).Action);
        Assert.Equal(FailureKind.QueueFull, RouterTable.Refused(_router.Accept(_router.Forward())).Kind);

        // Cancelling answers at once; the credit comes back with the device's word and not before.
        _router.Origin.Cancel(first.Id, _router.Now);
        Assert.Equal(FailureKind.QueueFull, RouterTable.Refused(_router.Accept(_router.Forward())).Kind);
        _router.Origin.Release(new GpuRelease(0, first.Id, 1, null), _router.Now);
        Assert.Equal(RouterAction.Dispatch, _router.Accept(_router.Forward()).Action);
    }

    [Fact]
    public void A_bounce_goes_to_the_next_node_and_ends_when_there_is_none()
    {
        _router.Node(RouterTable.Other);
        _router.Node(RouterTable.Third, queued: 1);
        Forward forward = _router.Forward();
        Assert.Equal(RouterTable.Other, _router.Accept(forward).Node);
        RouterDecision next = _router.End(forward.Id, 1, RetryAdvice.Bounce, RouterTable.Other, FailureKind.QueueFull);
        Assert.Equal((RouterAction.Send, RouterTable.Third, 2), (next.Action, next.Node, next.Route!.Attempt));
        RouterDecision last = _router.End(forward.Id, 2, RetryAdvice.Bounce, RouterTable.Third, FailureKind.QueueFull);
        Assert.Equal(FailureKind.QueueFull, RouterTable.Refused(last).Kind);
        Assert.Equal(0, _router.Origin.Pending);
    }

    [Fact]
    public void An_unreachable_node_gives_its_forwards_back_at_once()
    {
        _router.Node(RouterTable.Other);
        Forward forward = _router.Forward();
        _router.Accept(forward);
        _router.Node(RouterTable.Third);
        _router.Decisions.Clear();
        _router.Table.SetReachable(RouterTable.Other, false);
        _router.Origin.EndAttemptsOn(RouterTable.Other, _router.Now);
        RouterDecision again = Assert.Single(_router.Decisions);
        Assert.Equal((RouterAction.Send, RouterTable.Third), (again.Action, again.Node));

        _router.Decisions.Clear();
        _router.Table.SetReachable(RouterTable.Third, false);
        _router.Origin.EndAttemptsOn(RouterTable.Third, _router.Now);
        Assert.Equal(FailureKind.NodeUnreachable, RouterTable.Refused(Assert.Single(_router.Decisions)).Kind);
        Assert.Equal(FailureKind.NodeUnreachable, RouterTable.Refused(_router.Accept(_router.Forward())).Kind);
    }

    [Fact]
    public void What_must_not_run_twice_is_not_sent_twice()
    {
        _router.Node(RouterTable.Other, safe: false);
        _router.Node(RouterTable.Third, queued: 3, safe: false);
        _router.Accept(_router.Forward());
        _router.Decisions.Clear();
        _router.Table.SetReachable(RouterTable.Other, false);
        _router.Origin.EndAttemptsOn(RouterTable.Other, _router.Now);
        Assert.Equal(
            FailureKind.NodeUnreachable,
            RouterTable.Refused(_router.Decisions.Single(decision => decision.Action == RouterAction.AnswerSink)).Kind
        );
    }

    [Fact]
    public void A_late_result_counts_and_a_late_failure_does_not()
    {
        _router.Node(RouterTable.Other);
        _router.Node(RouterTable.Third, queued: 1);
        Forward forward = _router.Forward();
        _router.Accept(forward);
        _router.Table.SetReachable(RouterTable.Other, false);
        _router.Origin.EndAttemptsOn(RouterTable.Other, _router.Now);
        _router.Decisions.Clear();
        _router.Origin.End(
            new ForwardOutcome(1, new ForwardReply.Failed(forward.Id, FailureKind.BackendFailed, ""), RetryAdvice.Final),
            RouterTable.Other,
            _router.Now
        );
        Assert.Empty(_router.Decisions);
        var report = new ForwardReport(RouterTable.Model(), new GpuId(RouterTable.Other, 0), 0, 1, default);
        _router.Origin.End(
            new ForwardOutcome(1, new ForwardReply.Succeeded(forward.Id, [], report), RetryAdvice.Final),
            RouterTable.Other,
            _router.Now
        );
        Assert.Equal([RouterAction.Abandon, RouterAction.AnswerSink], _router.Decisions.Select(decision => decision.Action));
        Assert.Equal(0, _router.Origin.Pending);
    }

    [Fact]
    public void A_deadline_is_answered_by_the_wheel_and_the_attempt_abandoned()
    {
        _router.Gpu(0);
        Forward forward = _router.Forward(seconds: 2);
        _router.Accept(forward);
        _router.Decisions.Clear();
        _router.Now += TimeSpan.FromSeconds(1.9);
        _router.Origin.Tick(_router.Now);
        Assert.Empty(_router.Decisions);
        _router.Now += TimeSpan.FromSeconds(0.12);
        _router.Origin.Tick(_router.Now);
        Assert.Equal([RouterAction.Drop, RouterAction.AnswerSink], _router.Decisions.Select(decision => decision.Action));
        Assert.Equal(FailureKind.DeadlineExceeded, RouterTable.Refused(_router.Decisions[1]).Kind);
    }

    [Fact]
    public void Time_left_travels_and_not_the_deadline()
    {
        _router.Node(RouterTable.Other);
        _router.Node(RouterTable.Third, queued: 2);
        Forward forward = _router.Forward(seconds: 2);
        _router.Accept(forward);
        _router.Now += TimeSpan.FromSeconds(1.5);
        RouterDecision again = _router.End(forward.Id, 1, RetryAdvice.Bounce, RouterTable.Other);
        Assert.Equal(TimeSpan.FromSeconds(0.5), again.Route!.Forward.TimeLeft);
    }

    [Fact]
    public void Old_word_of_a_node_is_not_acted_on()
    {
        _router.Node(RouterTable.Other);
        _router.Now += TimeSpan.FromSeconds(4);
        Assert.Equal(FailureKind.QueueFull, RouterTable.Refused(_router.Accept(_router.Forward())).Kind);
        _router.Node(RouterTable.Other);
        Assert.Equal(RouterAction.Send, _router.Accept(_router.Forward()).Action);
        _router.Node(RouterTable.Other, draining: true);
        Assert.Equal(RouterAction.AnswerSink, _router.Accept(_router.Forward()).Action);
    }

    [Fact]
    public void Another_life_of_a_node_is_noticed()
    {
        Assert.False(_router.Node(RouterTable.Other));
        Assert.False(_router.Node(RouterTable.Other));
        Assert.True(_router.Node(RouterTable.Other, incarnation: 2));
    }

    [Theory]
    [InlineData(0, FailureKind.ModelNotLoaded)]
    [InlineData(1, FailureKind.QueueFull)]
    public void A_named_device_is_the_only_one_tried(int ordinal, FailureKind expected)
    {
        _router.Gpu(1, credits: 0);
        _router.Gpu(2);
        Assert.Equal(expected, RouterTable.Refused(_router.Accept(_router.Forward(gpu: new GpuId(RouterTable.Self, ordinal)))).Kind);
        Assert.Equal(2, _router.Accept(_router.Forward(gpu: new GpuId(RouterTable.Self, 2))).Ordinal);
    }

    [Fact]
    public void A_device_that_is_not_ready_is_passed_over()
    {
        _router.Gpu(0, health: GpuHealth.Rebuilding);
        _router.Gpu(1);
        Assert.Equal(1, _router.Accept(_router.Forward()).Ordinal);
        Assert.Equal(1, _router.Accept(_router.Forward()).Ordinal);
    }

    [Fact]
    public void An_id_in_use_is_refused_and_the_first_forward_stays()
    {
        _router.Gpu(0);
        Forward forward = _router.Forward();
        _router.Accept(forward);
        Assert.Equal(FailureKind.InvalidRequest, RouterTable.Refused(_router.Accept(forward)).Kind);
        Assert.Equal(1, _router.Origin.Pending);
    }

    [Fact]
    public void No_time_left_is_answered_without_an_attempt()
    {
        _router.Gpu(0);
        Assert.Equal(FailureKind.DeadlineExceeded, RouterTable.Refused(_router.Accept(_router.Forward(seconds: 0))).Kind);
    }
}
