using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;

namespace Troupe.Actors.Gpu;

/// <summary>The launches of an executor: which lane takes a forward, what its submissions have become, and what waits for a lane.</summary>
/// <remarks>Knows no Akka; part of <see cref="ExecutorCore"/> and of its thread. A suspect runs alone: it waits until nothing is in flight,
/// and all else waits for it. <b>Owns</b> the lanes it has leased. <b>Blocks</b> never;
/// on emulated devices of the inline policy a forward runs inside <see cref="Run"/>.</remarks>
internal sealed class ExecutorLaunches : IDisposable
{
    private readonly IReadOnlyDictionary<(int Ordinal, ModelVersion Model), ExecutorInstance> _instances;
    private readonly GroupFault _fault;
    private readonly ExecutorPulse _pulse;
    private readonly DecisionQueue<ExecutorDecision, IExecutorShell> _decisions;
    private readonly WakeGate _gate;
    private readonly Action _wake;
    private readonly List<Submission> _inFlight = [];
    private readonly List<Submission> _waiting = [];
    private readonly Stack<OpenLaunch> _spare = new();

    /// <summary>The one whose submission has begun and that is not in flight yet.</summary>
    private AdmittedForward? _starting;
    private bool _hasSucceeded;

    /// <param name="signal">Called, on any thread, when it is worth polling.</param>
    public ExecutorLaunches(
        IReadOnlyDictionary<(int Ordinal, ModelVersion Model), ExecutorInstance> instances,
        GroupFault fault,
        ExecutorPulse pulse,
        Action signal,
        DecisionQueue<ExecutorDecision, IExecutorShell> decisions
    )
    {
        _instances = instances;
        _fault = fault;
        _pulse = pulse;
        _decisions = decisions;
        _gate = new WakeGate(signal);
        _wake = _gate.Wake;
    }

    public int InFlight => _inFlight.Count;

    public int Waiting => _waiting.Count;

    /// <summary>In a step that launches forwards or looks at them; still so when that has thrown.</summary>
    public bool IsAtWork { get; private set; }

    /// <summary>What a crash at this moment says of the forwards that are launched.</summary>
    public CrashEvidence Evidence
    {
        get
        {
            int launched = _inFlight.Count + (_starting is null ? 0 : 1);
            AdmittedForward? only = launched == 1 ? _starting ?? _inFlight[0].Forward : null;
            return new CrashEvidence(only is not null, only is not null && (_hasSucceeded || IsSuspect(only)));
        }
    }

    public void Run(Launch launch)
    {
        IsAtWork = true;
        if (!_spare.TryPop(out OpenLaunch? open))
        {
            open = new OpenLaunch();
        }

        open.Begin(launch);
        for (int i = 0; i < launch.Forwards.Length; i++)
        {
            var submission = new Submission(open, i, null);
            if (_waiting.Exists(static waiting => IsSuspect(waiting.Forward)) || !TryStart(submission))
            {
                _waiting.Add(submission);
            }
        }

        Settle();
    }

    /// <summary>Looks at every submission; those that are done free a lane for those that wait.</summary>
    public void Poll()
    {
        IsAtWork = true;
        _gate.Open();
        Settle();
    }

    public void Dispose()
    {
        foreach (Submission submission in _inFlight)
        {
            submission.Open.Abandon();
            submission.Work!.Dispose();
        }

        _inFlight.Clear();
        _waiting.ForEach(static waiting => waiting.Open.Abandon());
        _waiting.Clear();
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
                else
                {
                    _inFlight[i] = FreeLane(_inFlight[i]);
                }
            }
        } while (TryStartWaiting());

        IsAtWork = false;
    }

    /// <summary>Starts what finds a lane by now; false where nothing did. Those behind a suspect wait, or it would never be
    /// alone.</summary>
    private bool TryStartWaiting()
    {
        bool any = false;
        for (int i = 0; i < _waiting.Count && !_fault.IsTold; )
        {
            Submission waiting = _waiting[i];
            if (TryStart(waiting))
            {
                _waiting.RemoveAt(i);
                any = true;
            }
            else if (IsSuspect(waiting.Forward))
            {
                break;
            }
            else
            {
                i++;
            }
        }

        return any;
    }

    private static bool IsSuspect(AdmittedForward forward) => forward.Suspicion == ForwardSuspicion.Suspect;

    /// <summary>Nothing else is in flight beside a suspect.</summary>
    private bool MayStart(AdmittedForward forward) => _inFlight.Count == 0 || (!IsSuspect(forward) && !IsSuspect(_inFlight[0].Forward));

    /// <summary>False when every lane of the instance is leased, or a suspect keeps it waiting.</summary>
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

        AdmittedForward admitted = waiting.Forward;
        if (!MayStart(admitted))
        {
            return false;
        }

        if (!admitted.Forward.Inputs.TryBorrow())
        {
            return Fail(waiting, FailureKind.Cancelled, "The caller had its answer before the forward began.");
        }

        ILane? lane = null;
        try
        {
            if (!instance.Module.TryLease(out lane))
            {
                return false;
            }

            _gate.Close();
            _starting = admitted;
            admitted.MarkLaunched();
            _pulse.Run(admitted);
            lane.Submit([new LaneForward(admitted.Forward.Inputs, admitted.Forward.Outputs)], launch.Settings, _wake);
        }
        catch (ForwardException exception)
        {
            _fault.Check(Evidence);
            lane?.Dispose();
            End(waiting, ForwardResult.Failed(exception));
            _starting = null;
            return true;
        }
        catch
        {
            lane?.Dispose();
            throw;
        }
        finally
        {
            _gate.Open();
            admitted.Forward.Inputs.Return();
        }

        Submission submission = waiting with { Work = lane };
        if (!TryFinish(submission))
        {
            _inFlight.Add(submission);
        }

        _starting = null;
        return true;
    }

    private bool Fail(in Submission submission, FailureKind kind, string detail)
    {
        End(submission, ForwardResult.Failed(new ForwardException(kind, detail)));
        return true;
    }

    private bool TryFinish(in Submission submission)
    {
        ISubmission work = submission.Work!;
        LaneStatus status = work.Poll(0);
        if (status == LaneStatus.Pending)
        {
            return false;
        }

        ForwardResult result;
        if (status == LaneStatus.Succeeded)
        {
            result = Taken(work, submission.Forward);
            _hasSucceeded = true;
        }
        else
        {
            result = ForwardResult.Failed(work.FailureOf(0));
            _fault.Check(Evidence);
        }

        work.Dispose();
        End(submission, result);
        return true;
    }

    /// <summary>Gives the lane of a forward back that is computed and travels on without it; it stays in flight.</summary>
    private static Submission FreeLane(in Submission submission)
    {
        if (submission.Work is not ILane lane || lane.Detach() is not { } detached)
        {
            return submission;
        }

        lane.Dispose();
        return submission with { Work = detached };
    }

    private static ForwardResult Taken(ISubmission work, AdmittedForward forward)
    {
        try
        {
            // Before the outputs, which nobody would own if the device failed just now.
            (long Input, long Infer, long Output) times = work.TimesOf(0);
            return ForwardResult.Succeeded(work.TakeOutputs(0, forward.LeasesFrom), times);
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
