using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;

namespace Troupe.Actors.Gpu;

/// <summary>The launches of an executor: which lane takes a forward, what its submissions have become, and what waits for a lane.</summary>
/// <remarks>Knows no Akka; part of <see cref="ExecutorCore"/> and of its thread. <b>Owns</b> the lanes it has leased. <b>Blocks</b> never;
/// on emulated devices of the inline policy a forward runs inside <see cref="Run"/>.</remarks>
internal sealed class ExecutorLaunches : IDisposable
{
    private readonly IReadOnlyDictionary<(int Ordinal, ModelVersion Model), ExecutorInstance> _instances;
    private readonly GroupFault _fault;
    private readonly DecisionQueue<ExecutorDecision, IExecutorShell> _decisions;
    private readonly WakeGate _gate;
    private readonly Action _wake;
    private readonly List<Submission> _inFlight = [];
    private readonly List<Submission> _waiting = [];
    private readonly Stack<OpenLaunch> _spare = new();

    /// <param name="signal">Called, on any thread, when it is worth polling.</param>
    public ExecutorLaunches(
        IReadOnlyDictionary<(int Ordinal, ModelVersion Model), ExecutorInstance> instances,
        GroupFault fault,
        Action signal,
        DecisionQueue<ExecutorDecision, IExecutorShell> decisions
    )
    {
        _instances = instances;
        _fault = fault;
        _decisions = decisions;
        _gate = new WakeGate(signal);
        _wake = _gate.Wake;
    }

    public int InFlight => _inFlight.Count;

    public int Waiting => _waiting.Count;

    public void Run(Launch launch)
    {
        if (!_spare.TryPop(out OpenLaunch? open))
        {
            open = new OpenLaunch();
        }

        open.Begin(launch);
        for (int i = 0; i < launch.Forwards.Length; i++)
        {
            var submission = new Submission(open, i, null);
            if (!TryStart(submission))
            {
                _waiting.Add(submission);
            }
        }

        Settle();
    }

    /// <summary>Looks at every submission; those that are done free a lane for those that wait.</summary>
    public void Poll()
    {
        _gate.Open();
        Settle();
    }

    public void Dispose()
    {
        foreach (Submission submission in _inFlight)
        {
            submission.Lane!.Dispose();
        }

        _inFlight.Clear();
    }

    /// <summary>Looks at everything in flight, and again after each start: a wake that fell into a submission gave no signal.</summary>
    private void Settle()
    {
        do
        {
            for (int i = _inFlight.Count - 1; i >= 0; i--)
            {
                if (TryFinish(_inFlight[i]))
                {
                    _inFlight.RemoveAt(i);
                }
            }
        } while (TryStartWaiting());
    }

    /// <summary>Starts what finds a lane by now; false where nothing did.</summary>
    private bool TryStartWaiting()
    {
        bool any = false;
        for (int i = 0; i < _waiting.Count && !_fault.IsTold; )
        {
            if (TryStart(_waiting[i]))
            {
                _waiting.RemoveAt(i);
                any = true;
            }
            else
            {
                i++;
            }
        }

        return any;
    }

    /// <summary>False when every lane of the instance is leased.</summary>
    private bool TryStart(in Submission waiting)
    {
        Launch launch = waiting.Open.Launch;
        if (!_instances.TryGetValue((launch.Ordinal, launch.Model), out ExecutorInstance? instance))
        {
            return Fail(waiting, FailureKind.ModelNotLoaded, $"Model '{launch.Model}' is not loaded on this device.");
        }

        if (instance.Conflict(launch.Settings) is { } conflict)
        {
            return Fail(waiting, FailureKind.ModeConflict, conflict);
        }

        if (!instance.Module.TryLease(out ILane lane))
        {
            return false;
        }

        try
        {
            _gate.Close();
            Forward forward = waiting.Forward.Forward;
            lane.Submit([new LaneForward(forward.Inputs, forward.Outputs)], launch.Settings, _wake);
        }
        catch (ForwardException exception)
        {
            lane.Dispose();
            End(waiting, ForwardResult.Failed(exception));
            _fault.Check();
            return true;
        }
        catch
        {
            lane.Dispose();
            throw;
        }
        finally
        {
            _gate.Open();
        }

        Submission submission = waiting with { Lane = lane };
        if (!TryFinish(submission))
        {
            _inFlight.Add(submission);
        }

        return true;
    }

    private bool Fail(in Submission submission, FailureKind kind, string detail)
    {
        End(submission, ForwardResult.Failed(new ForwardException(kind, detail)));
        return true;
    }

    private bool TryFinish(in Submission submission)
    {
        ILane lane = submission.Lane!;
        LaneStatus status = lane.Poll(0);
        if (status == LaneStatus.Pending)
        {
            return false;
        }

        ForwardResult result;
        if (status == LaneStatus.Succeeded)
        {
            result = Taken(lane);
        }
        else
        {
            result = ForwardResult.Failed(lane.FailureOf(0));
            _fault.Check();
        }

        lane.Dispose();
        End(submission, result);
        return true;
    }

    private static ForwardResult Taken(ILane lane)
    {
        try
        {
            return ForwardResult.Succeeded(lane.TakeOutputs(0), lane.TimesOf(0));
        }
        catch (ForwardException full)
        {
            return ForwardResult.Failed(full);
        }
    }

    private void End(in Submission submission, in ForwardResult result)
    {
        OpenLaunch open = submission.Open;
        if (open.End(submission.Index, result))
        {
            int ordinal = open.Launch.Ordinal;
            _decisions.Add(new ExecutorDecision(ordinal, open.Close()));
            _spare.Push(open);
        }
    }
}
