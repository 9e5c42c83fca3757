using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Routing;

/// <summary>What a router counts of a forward under <c>audit</c>, way by way.</summary>
public sealed class RouterAuditTests
{
    private readonly RouterTable _router = new();

    public RouterAuditTests() =>
        _router.Audit.UpdateFrom(
            ModesInForce.Of(
                [new ModeEntry(new ModeStamp(1, default, 1), null, ModeScope.Cluster, new ModeChange { Audit = true }, RouterTable.Self)],
                _ => true,
                1
            )
        );

    private AuditTally Tally => Assert.Single(_router.Audit.Read(ModeScope.Cluster)).Tally;

    [Fact]
    public void A_forward_that_succeeds_is_accepted_executed_and_succeeded()
    {
        _router.Gpu(0);
        Forward forward = _router.Forward();
        _router.Accept(forward);
        Assert.Equal((1, 0, 0), (Tally.Accepted, Tally.Succeeded, Tally.Executed));
        Release(forward, new ForwardOutcome(1, Success(forward), RetryAdvice.Final, Launched: true));
        Assert.Equal((1, 1, 1, 0), (Tally.Accepted, Tally.Succeeded, Tally.Executed, Tally.Late));
        Assert.Empty(Tally.Failed);
    }

    [Fact]
    public void A_forward_that_is_sent_again_counts_each_attempt_and_one_end()
    {
        _router.Gpu(0);
        Forward forward = _router.Forward();
        _router.Accept(forward);
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            var lost = new ForwardReply.Failed(forward.Id, FailureKind.DeviceLost, "");
            Release(forward, new ForwardOutcome(attempt, lost, RetryAdvice.Retry, Launched: attempt != 2), attempt);
        }

        Assert.Equal((1, 2, 2), (Tally.Accepted, Tally.Redispatched, Tally.Executed));
        Assert.Equal([new FailureTally(FailureKind.DeviceLost, 1)], Tally.Failed);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public void A_result_nobody_waits_for_any_more_is_late_if_the_device_had_begun(bool launched, long late)
    {
        _router.Gpu(0);
        Forward forward = _router.Forward();
        _router.Accept(forward);
        _router.Origin.Cancel(forward.Id, _router.Now);
        Assert.Equal([new FailureTally(FailureKind.Cancelled, 1)], Tally.Failed);
        Assert.Equal((0, 0), (Tally.Executed, Tally.Late));

        _router.Origin.Release(new GpuRelease(0, forward.Id, 1, null, launched), _router.Now);
        _router.Origin.Release(new GpuRelease(0, forward.Id, 1, null, launched), _router.Now);
        Assert.Equal((late, late), (Tally.Executed, Tally.Late));
    }

    [Fact]
    public void The_result_of_an_attempt_that_was_given_up_is_late_and_answers_all_the_same()
    {
        _router.Node(RouterTable.Other);
        Forward forward = _router.Forward();
        _router.Accept(forward);
        _router.Gpu(0);
        _router.Origin.EndAttemptsOn(RouterTable.Other, _router.Now);
        _router.Origin.End(new ForwardOutcome(1, Success(forward), RetryAdvice.Final, Launched: true), RouterTable.Other, _router.Now);
        Assert.Equal((1, 1, 1, 1, 1), (Tally.Accepted, Tally.Succeeded, Tally.Redispatched, Tally.Executed, Tally.Late));
        _router.Origin.Release(new GpuRelease(0, forward.Id, 2, null, true), _router.Now);
        Assert.Equal((2, 2), (Tally.Executed, Tally.Late));
    }

    [Fact]
    public void What_is_refused_before_it_was_accepted_is_not_counted_and_what_finds_no_device_is()
    {
        _router.Accept(_router.Forward());
        Assert.Equal([new FailureTally(FailureKind.ModelNotLoaded, 1)], Tally.Failed);
        _router.Accept(_router.Forward(seconds: 0));
        Assert.Equal(1, Tally.Accepted);
    }

    private void Release(Forward forward, ForwardOutcome outcome, int attempt = 1) =>
        _router.Origin.Release(new GpuRelease(0, forward.Id, attempt, outcome, outcome.Launched), _router.Now);

    private static ForwardReply.Succeeded Success(Forward forward) =>
        new(forward.Id, [], new ForwardReport(RouterTable.Model(), new GpuId(RouterTable.Self, 0), 0, 1, default));
}
