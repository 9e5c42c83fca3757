using Troupe.Actors.Forwards;
using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Tests.Routing;

/// <summary>Every device that holds a model is being rebuilt, or has been and gets its models back: forwards wait, within their
/// deadline.</summary>
public sealed class DevicesAwayTests
{
    private static readonly GpuId First = new(RouterTable.Self, 0);

    private readonly RouterTable _router = new();

    [Theory]
    [InlineData(GpuHealth.Rebuilding, true)]
    [InlineData(GpuHealth.Rebuilding, false)]
    [InlineData(GpuHealth.Ready, true)]
    [InlineData(GpuHealth.Ready, false)]
    public void A_forward_waits_for_a_device_that_gets_its_model_back(GpuHealth health, bool isDirectoryBehind)
    {
        _router.Empty(0, health);
        _router.Own(isDirectoryBehind ? [0] : [], isDirectoryBehind ? [] : [0]);
        Forward free = Waiting(_router.Forward());
        Forward pinned = Waiting(_router.Forward(gpu: First));
        _router.Gpu(0);
        _router.Origin.Resume(_router.Now);
        Assert.Equal([free.Id, pinned.Id], _router.Decisions.Select(decision => decision.Dispatched!.Forward.Id));
    }

    [Fact]
    public void A_forward_for_one_device_waits_for_it_while_others_hold_the_model()
    {
        _router.Empty(0);
        _router.Gpu(1);
        _router.Own([1], [0]);
        Waiting(_router.Forward(gpu: First));
        Assert.Equal(1, _router.Accept(_router.Forward()).Ordinal);
    }

    [Fact]
    public void It_waits_for_a_device_of_another_node()
    {
        _router.Node(RouterTable.Other, awaited: true);
        Waiting(_router.Forward());
        _router.Node(RouterTable.Other);
        _router.Origin.Tick(_router.Now);
        Assert.Equal(RouterAction.Send, Assert.Single(_router.Decisions).Action);
    }

    [Fact]
    public void It_is_sent_again_to_a_node_that_sent_it_back_while_its_devices_were_rebuilt()
    {
        _router.Node(RouterTable.Other);
        Forward forward = _router.Forward();
        Assert.Equal(RouterAction.Send, _router.Accept(forward).Action);
        _router.Decisions.Clear();
        _router.Origin.End(
            new ForwardOutcome(1, new ForwardReply.Failed(forward.Id, FailureKind.DeviceLost, "rebuilt"), RetryAdvice.Bounce),
            RouterTable.Other,
            _router.Now
        );
        Assert.Empty(_router.Decisions);
        _router.Origin.Tick(_router.Now);
        Assert.Equal(RouterAction.Send, Assert.Single(_router.Decisions).Action);
    }

    [Theory]
    [InlineData(false, FailureKind.DeviceLost)]
    [InlineData(true, FailureKind.DeviceLost)]
    public void A_home_whose_devices_are_away_says_so(bool isPinned, FailureKind expected)
    {
        _router.Empty(0);
        if (isPinned)
        {
            _router.Gpu(1);
        }

        _router.Own(isPinned ? [1] : [], [0]);
        var origin = new Unasked();
        _router.Home.Host(new RouteForward(_router.Forward(gpu: isPinned ? First : null), 1), RouterTable.Other, origin, _router.Now);
        ForwardOutcome outcome = Assert.Single(_router.Decisions).Outcome!;
        Assert.Equal((expected, RetryAdvice.Bounce), (Assert.IsType<ForwardReply.Failed>(outcome.Reply).Kind, outcome.Advice));
    }

    [Fact]
    public void What_was_lost_again_and_again_before_it_had_begun_is_sent_until_its_deadline_and_not_at_once_for_ever()
    {
        _router.Gpu(0);
        _router.Own([0], []);
        Forward forward = _router.Forward(seconds: 60);
        _router.Accept(forward);
        for (int attempt = 1; attempt <= 20; attempt++)
        {
            _router.Decisions.Clear();
            var lost = new ForwardReply.Failed(forward.Id, FailureKind.DeviceLost, "");
            _router.Origin.Release(
                new GpuRelease(0, forward.Id, attempt, new ForwardOutcome(attempt, lost, RetryAdvice.Retry)),
                _router.Now
            );
            if (attempt % RouterAttempts.EagerAttempts == 0)
            {
                Assert.Empty(_router.Decisions);
                _router.Origin.Tick(_router.Now);
            }

            Assert.Equal(attempt + 1, Assert.Single(_router.Decisions).Dispatched!.Attempt);
        }
    }

    [Fact]
    public void What_never_comes_back_ends_with_the_deadline_and_what_is_given_up_at_once()
    {
        _router.Empty(0);
        _router.Own([], [0]);
        Waiting(_router.Forward(seconds: 1));
        _router.Now += TimeSpan.FromSeconds(2);
        _router.Origin.Tick(_router.Now);
        Assert.Equal(FailureKind.DeadlineExceeded, RouterTable.Refused(Assert.Single(_router.Decisions)).Kind);

        Waiting(_router.Forward());
        _router.Own([], [], ModelState.Unavailable);
        _router.Origin.Tick(_router.Now);
        Assert.Equal(FailureKind.ModelNotLoaded, RouterTable.Refused(Assert.Single(_router.Decisions)).Kind);
    }

    [Fact]
    public void A_model_that_loads_for_the_first_time_is_not_waited_for()
    {
        _router.Empty(0);
        _router.Own([], [], ModelState.Loading);
        Assert.Equal(FailureKind.ModelNotLoaded, RouterTable.Refused(_router.Accept(_router.Forward())).Kind);
    }

    [Fact]
    public void A_batch_forward_waits_too()
    {
        var batch = new BatchWaiting(_router.Table, _router.Versions, _router.Origin, _router.Recorder.Queue);
        _router.Empty(0);
        _router.Own([], [0]);
        batch.Accept(_router.Forward() with { Class = ForwardClass.Batch }, _router.Sink, _router.Now);
        Assert.Equal((1, 0), (batch.Count, _router.Decisions.Count));
        _router.Gpu(0);
        batch.Admit(_router.Now);
        Assert.Equal(RouterAction.Dispatch, Assert.Single(_router.Decisions).Action);
    }

    private Forward Waiting(Forward forward)
    {
        _router.Decisions.Clear();
        _router.Origin.Accept(forward, _router.Sink, _router.Now);
        Assert.Empty(_router.Decisions);
        return forward;
    }

    private sealed class Unasked : IForwardOrigin
    {
        public void Answer(ForwardOutcome outcome) => throw new InvalidOperationException("The recorder writes it down.");
    }
}
