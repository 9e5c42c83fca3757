using Microsoft.Extensions.Time.Testing;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Tests.Gpu;

public sealed class ExecutorWatchTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly NodeClock _clock;
    private readonly ExecutorWatch _watch = new(Bound, Interval);

    public ExecutorWatchTests() => _clock = new NodeClock(_time);

    [Fact]
    public void Silence_longer_than_the_bound_is_a_hang_and_an_answer_begins_anew()
    {
        _watch.Begin(null);
        long sequence = _watch.Next(_clock.Now)!.Value;
        Look(TimeSpan.FromSeconds(20));
        Assert.False(_watch.Hangs(_clock.Now));
        _watch.Clear(sequence);
        Look(TimeSpan.FromSeconds(20));
        Assert.False(_watch.Hangs(_clock.Now));
        Look(TimeSpan.FromSeconds(1));
        Assert.True(_watch.Hangs(_clock.Now));
    }

    [Fact]
    public void Time_in_which_the_process_did_not_run_does_not_count()
    {
        _watch.Begin(null);
        Look(TimeSpan.FromSeconds(19));
        _time.Advance(TimeSpan.FromHours(1));
        Look(Interval);
        Assert.False(_watch.Hangs(_clock.Now));
        Look(TimeSpan.FromSeconds(2));
        Assert.True(_watch.Hangs(_clock.Now));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_forward_on_the_host_is_progress_until_its_deadline_and_the_bound_beyond(bool onHost, bool hangs)
    {
        var pulse = new ExecutorPulse(_clock, onHost);
        _watch.Begin(pulse);
        pulse.Enter("a launch");
        pulse.Run(Forward(deadline: TimeSpan.FromSeconds(60)));
        Look(TimeSpan.FromSeconds(79));
        Assert.Equal(hangs, _watch.Hangs(_clock.Now));
        Look(TimeSpan.FromSeconds(2));
        Assert.True(_watch.Hangs(_clock.Now));
        Assert.Contains("a forward of model 'm/1' since 81 s", _watch.Describe(_clock.Now), StringComparison.Ordinal);
    }

    [Fact]
    public void A_forward_on_the_host_whose_caller_has_left_is_progress_for_the_bound_and_no_longer()
    {
        var pulse = new ExecutorPulse(_clock, runsOnHost: true);
        AdmittedForward forward = Forward(deadline: TimeSpan.FromHours(24));
        _watch.Begin(pulse);
        pulse.Enter("a launch");
        pulse.Run(forward);
        Look(TimeSpan.FromSeconds(60));
        forward.MarkLeft(_clock.Now);
        Look(TimeSpan.FromSeconds(19));
        Assert.False(_watch.Hangs(_clock.Now));
        Look(TimeSpan.FromSeconds(2));
        Assert.True(_watch.Hangs(_clock.Now));
    }

    [Fact]
    public void An_executor_that_begins_a_step_now_and_then_is_not_asked_for_more()
    {
        var pulse = new ExecutorPulse(_clock, runsOnHost: false);
        _watch.Begin(pulse);
        pulse.Enter("a launch");
        Look(TimeSpan.FromSeconds(15));
        pulse.Leave();
        pulse.Enter("a look at its lanes");
        Look(TimeSpan.FromSeconds(15));
        Assert.False(_watch.Hangs(_clock.Now));
    }

    private static AdmittedForward Forward(TimeSpan deadline)
    {
        var forward = new Forward
        {
            Id = default,
            Model = new ModelReference("m"),
            Inputs = [],
        };
        var dispatch = new DispatchForward(forward, new ModelVersion("m", 1, default), 1, deadline, null);
        return new AdmittedForward(dispatch, ModeSettings.Default, 0);
    }

    /// <summary>Looks at each interval for so long.</summary>
    private void Look(TimeSpan time)
    {
        for (TimeSpan passed = TimeSpan.Zero; passed < time; passed += Interval)
        {
            _time.Advance(Interval);
            _watch.Next(_clock.Now);
        }
    }
}
