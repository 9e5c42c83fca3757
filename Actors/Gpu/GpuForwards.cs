using System.Collections.Immutable;
using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Runtime.Failures;

namespace Troupe.Actors.Gpu;

/// <summary>The forwards that one GPU holds: in its queue, or launched; each is released exactly once.</summary>
/// <remarks>Knows no Akka; part of <see cref="GpuCore"/> and of its thread. <b>Owns</b> the notes of forwards, which are used
/// again.</remarks>
internal sealed class GpuForwards(GpuSpec spec, GpuLife life, GpuInstances instances, DecisionQueue<GpuDecision, IGpuShell> decisions)
{
    private readonly Predicate<GpuForward> _mayGo = forward => !instances[forward.Admitted.Model].Holds(forward);
    private readonly Dictionary<(RequestId Id, int Attempt), GpuForward> _held = [];
    private readonly ForwardQueue _queue = new();
    private readonly Stack<GpuForward> _spare = new();

    public int Queued => _queue.Count;

    public int Launches { get; private set; }

    public void Admit(DispatchForward dispatch, TimeSpan now)
    {
        if (!life.IsReady)
        {
            Refuse(dispatch, FailureKind.DeviceLost, $"Device {spec.Id} is not ready: {life.Reason}", RetryAdvice.Retry);
        }
        else if ((instances.Admitting(dispatch.Model) ?? instances.Successor(dispatch.Model)) is not { } instance)
        {
            Refuse(
                dispatch,
                FailureKind.ModelNotLoaded,
                $"Model '{dispatch.Model}' is not loaded on device {spec.Id}.",
                RetryAdvice.Bounce
            );
        }
        else if (_queue.Count >= spec.QueueLimit + spec.LaunchLimit - Launches)
        {
            Refuse(dispatch, FailureKind.QueueFull, $"The queue of device {spec.Id} is full ({spec.QueueLimit}).", RetryAdvice.Bounce);
        }
        else if (
            !instances.Modes.TryAdmit(
                instance,
                dispatch.To(instance.Model),
                out AdmittedForward admitted,
                out FailureKind kind,
                out string reason
            )
        )
        {
            Refuse(dispatch, kind, reason, RetryAdvice.Final);
        }
        else
        {
            if (!_spare.TryPop(out GpuForward? forward))
            {
                forward = new GpuForward();
            }

            forward.Begin(admitted, now);
            instance.Enter(forward);
            _held.Add((admitted.Forward.Id, admitted.Attempt), forward);
            _queue.Add(forward);
            Pump(now);
        }
    }

    /// <summary>The caller has been answered: a forward that waits leaves, of a launched one the result is dropped.</summary>
    public void Drop(RequestId id, int attempt, TimeSpan now)
    {
        if (!_held.TryGetValue((id, attempt), out GpuForward? forward))
        {
            return;
        }

        forward.IsAbandoned = true;
        forward.Admitted.MarkLeft(now);
        if (!forward.IsLaunched)
        {
            _queue.Remove(forward);
            Leave(forward, Abandoned(forward, launched: false), launched: false);
            Pump(now);
        }
    }

    public void Complete(Launch launch, ImmutableArray<ForwardResult> results, TimeSpan now) =>
        Complete(launch, results, now, launched: true);

    private void Complete(Launch launch, ImmutableArray<ForwardResult> results, TimeSpan now, bool launched)
    {
        Launches--;
        for (int i = 0; i < results.Length; i++)
        {
            AdmittedForward admitted = launch.Forwards[i];
            GpuForward forward = _held[(admitted.Forward.Id, admitted.Attempt)];
            if (forward.IsAbandoned)
            {
                results[i].Release();
                Leave(forward, Abandoned(forward, launched), launched);
            }
            else
            {
                var outcome = new ForwardOutcome(admitted.Attempt, ReplyOf(forward, results[i]), RetryAdvice.Final, launched);
                Leave(forward, outcome, launched);
            }
        }

        Pump(now);
    }

    /// <summary>The executor could not be told of a launch: its forwards fail, for nobody will run them.</summary>
    public void FailLaunch(Launch launch, string reason, TimeSpan now)
    {
        var failure = new ForwardException(FailureKind.Internal, $"Device {spec.Id} could not launch the forward: {reason}");
        Complete(launch, [.. launch.Forwards.Select(_ => ForwardResult.Failed(failure))], now, launched: false);
    }

    /// <summary>Hands queued forwards to the executor while it has credits, in the order of their queue; those that waited for too long
    /// fail when their turn comes.</summary>
    public void Pump(TimeSpan now)
    {
        while (Launches < spec.LaunchLimit && _queue.Take(_mayGo) is { } forward)
        {
            if (forward.IsOverdue(now))
            {
                Leave(forward, Overdue(forward.Admitted, now - forward.QueuedAt), launched: false);
                continue;
            }

            forward.Launch(now);
            Launches++;
            decisions.Add(GpuDecision.Executor(new Launch(life.Incarnation, spec.Id.Ordinal, [forward.Admitted])));
        }
    }

    /// <summary>The device is lost: what was not launched goes to siblings, what was only where it may run twice and its executor is no
    /// more.</summary>
    /// <param name="gone">The instances that were here.</param>
    /// <param name="evidence">What the loss says of those that were launched.</param>
    /// <param name="kind">Draining where the node stops in order: that is nobody's doing.</param>
    /// <param name="isOver">Nothing here runs any longer; false while an executor hangs.</param>
    public void EndAll(IReadOnlyList<GpuInstance> gone, string reason, CrashEvidence evidence, FailureKind kind, bool isOver)
    {
        Launches = 0;
        foreach (GpuForward forward in _held.Values.ToList())
        {
            AdmittedForward admitted = forward.Admitted;
            bool launched = admitted.IsLaunched;
            bool mayRunTwice = gone.FirstOrDefault(instance => instance.Model == admitted.Model)?.SafeToResend == true;
            bool again = launched ? isOver && mayRunTwice : isOver || mayRunTwice || !forward.IsLaunched;
            if (!forward.IsLaunched)
            {
                _queue.Remove(forward);
            }

            var failed = new ForwardReply.Failed(admitted.Forward.Id, kind, $"Device {spec.Id} was lost: {reason}.");
            RetryAdvice advice = again ? RetryAdvice.Retry : RetryAdvice.Final;
            bool alone = launched && evidence.OneLaunched;
            ForwardOutcome? outcome =
                forward.IsAbandoned && !launched
                    ? Abandoned(forward, launched)
                    : new ForwardOutcome(admitted.Attempt, failed, advice, launched, alone, spec.Id);
            Release(forward, outcome, launched);
            Forget(forward);
        }
    }

    /// <summary>Nobody waits for it. An origin elsewhere, which hears of no release, is told that it is over, and so not the doing of what
    /// ends this node later.</summary>
    private static ForwardOutcome? Abandoned(GpuForward forward, bool launched)
    {
        if (forward.Admitted.Origin is null)
        {
            return null;
        }

        var reply = new ForwardReply.Failed(forward.Admitted.Forward.Id, FailureKind.Cancelled, "The caller had its answer before.");
        return new ForwardOutcome(forward.Admitted.Attempt, reply, RetryAdvice.Final, launched);
    }

    private ForwardOutcome Overdue(AdmittedForward admitted, TimeSpan waited)
    {
        string detail =
            $"Request timeout expired: the forward waited {waited.TotalMilliseconds:0.###} ms for device {spec.Id}, and may wait {admitted.Forward.QueueTime.TotalMilliseconds:0.###} ms. Try again later, or give it more time.";
        var reply = new ForwardReply.Failed(admitted.Forward.Id, FailureKind.DeadlineExceeded, detail);
        return new ForwardOutcome(admitted.Attempt, reply, RetryAdvice.Final);
    }

    private void Leave(GpuForward forward, ForwardOutcome? outcome, bool launched)
    {
        Release(forward, outcome, launched);
        instances.Leave(forward);
        Forget(forward);
    }

    private void Release(GpuForward forward, ForwardOutcome? outcome, bool launched)
    {
        DispatchForward dispatch = forward.Admitted.Dispatch;
        _held.Remove((dispatch.Forward.Id, dispatch.Attempt));
        Release(dispatch, outcome, launched);
    }

    private void Forget(GpuForward forward)
    {
        forward.End();
        _spare.Push(forward);
    }

    private void Refuse(DispatchForward dispatch, FailureKind kind, string detail, RetryAdvice advice) =>
        Release(
            dispatch,
            new ForwardOutcome(dispatch.Attempt, new ForwardReply.Failed(dispatch.Forward.Id, kind, detail), advice),
            launched: false
        );

    /// <summary>The outcome goes straight to its origin; where that is this node's router, credit and outcome are one message.</summary>
    private void Release(DispatchForward dispatch, ForwardOutcome? outcome, bool launched)
    {
        if (dispatch.Origin is { } origin && outcome is not null)
        {
            decisions.Add(GpuDecision.Answer(origin, outcome));
            outcome = null;
        }

        decisions.Add(GpuDecision.Release(new GpuRelease(spec.Id.Ordinal, dispatch.Forward.Id, dispatch.Attempt, outcome, launched)));
    }

    private ForwardReply ReplyOf(GpuForward forward, in ForwardResult result)
    {
        AdmittedForward admitted = forward.Admitted;
        if (result.Failure is { } failure)
        {
            return new ForwardReply.Failed(admitted.Forward.Id, failure.Kind, failure.Message);
        }

        (long input, long infer, long output) = result.Times;
        var times = new StageTimes((forward.LaunchedAt - forward.QueuedAt).Ticks * TimeSpan.NanosecondsPerTick, input, infer, output);
        return new ForwardReply.Succeeded(
            admitted.Forward.Id,
            result.Outputs!,
            new ForwardReport(admitted.Model, spec.Id, admitted.Epoch, admitted.Attempt, times)
        );
    }
}
