using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Gpu;

/// <summary>The decisions of an executor: which lane takes a forward, what its submissions have become, and what waits for a
/// lane.</summary>
/// <remarks>
/// Knows no Akka; each method appends the messages that go to the GPUs. <b>Owns</b> the instances it adopted and their lanes; the device
/// group is its actor's. <b>Thread</b> the executor's.
/// <b>Blocks</b> never; on emulated devices of the inline policy a forward runs inside <see cref="Run"/>. Any exception but a
/// <see cref="ForwardException"/> goes through: the executor crashes and is replaced.
/// </remarks>
internal sealed class ExecutorCore : IDisposable
{
    private readonly int _incarnation;
    private readonly IDeviceGroup _group;
    private readonly DecisionQueue<ExecutorDecision, IExecutorShell> _decisions;
    private readonly WakeGate _gate;
    private readonly Action _wake;
    private readonly Dictionary<(int Ordinal, ModelVersion Model), ExecutorInstance> _instances = [];
    private readonly List<Submission> _inFlight = [];
    private readonly List<Submission> _waiting = [];
    private readonly Stack<OpenLaunch> _spare = new();
    private readonly List<(ReleaseResources Release, ExecutorInstance Instance)> _releasing = [];
    private bool _faulted;

    public ExecutorCore(int incarnation, IDeviceGroup group, Action signal, DecisionQueue<ExecutorDecision, IExecutorShell> decisions)
    {
        _incarnation = incarnation;
        _group = group;
        _decisions = decisions;
        _gate = new WakeGate(signal);
        _wake = _gate.Wake;
    }

    public int InFlight => _inFlight.Count;

    public int Waiting => _waiting.Count;

    /// <summary>Takes an instance that the builder made; false when somebody else has it.</summary>
    public bool Adopt(AdoptInstance adopt)
    {
        if (adopt.HandOver.Claim() is not { } module)
        {
            return false;
        }

        (int, ModelVersion) key = (module.HomeOrdinal, module.Module.Model);
        if (_instances.Remove(key, out ExecutorInstance? former))
        {
            former.Module.Dispose();
        }

        _instances.Add(key, new ExecutorInstance(module));
        _decisions.Add(
            new ExecutorDecision(
                module.HomeOrdinal,
                new InstanceAdopted(adopt.Ticket, _incarnation, module.HomeOrdinal, module.Module, module.Traits)
            )
        );
        return true;
    }

    public void Run(Launch launch)
    {
        if (launch.Incarnation != _incarnation)
        {
            return;
        }

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

        AnswerReleases();
    }

    /// <summary>Looks at every submission; those that are done free a lane for those that wait.</summary>
    public void Poll()
    {
        _gate.Open();
        for (int i = _inFlight.Count - 1; i >= 0; i--)
        {
            Submission submission = _inFlight[i];
            if (TryFinish(submission))
            {
                _inFlight.RemoveAt(i);
            }
        }

        for (int i = 0; i < _waiting.Count && !_faulted; )
        {
            if (TryStart(_waiting[i]))
            {
                _waiting.RemoveAt(i);
            }
            else
            {
                i++;
            }
        }

        AnswerReleases();
        CheckFault();
    }

    public void Retire(RetireInstance retire)
    {
        if (retire.Incarnation != _incarnation)
        {
            return;
        }

        if (_instances.Remove((retire.Ordinal, retire.Model), out ExecutorInstance? instance))
        {
            instance.Module.Dispose();
        }

        _decisions.Add(new ExecutorDecision(retire.Ordinal, new InstanceRetired(_incarnation, retire.Model)));
    }

    public void Apply(ApplySettings apply)
    {
        if (apply.Incarnation != _incarnation || !_instances.TryGetValue((apply.Ordinal, apply.Model), out ExecutorInstance? instance))
        {
            return;
        }

        InstanceRefusal? failure = null;
        try
        {
            instance.Forget();
            instance.Module.Apply(apply.Settings);
        }
        catch (ForwardException exception)
        {
            failure = new InstanceRefusal(apply.Model, exception.Kind, exception.Message);
        }

        _decisions.Add(new ExecutorDecision(apply.Ordinal, new SettingsApplied(_incarnation, apply.Model, apply.Settings, failure)));
        CheckFault();
    }

    public void ReleaseHeld(ReleaseResources release)
    {
        if (release.Incarnation == _incarnation && _instances.TryGetValue((release.Ordinal, release.Model), out ExecutorInstance? instance))
        {
            instance.Module.FreeAllBut(release.Held);
            _releasing.Add((release, instance));
            AnswerReleases();
        }
    }

    public void Beat(Heartbeat heartbeat)
    {
        if (heartbeat.Incarnation == _incarnation)
        {
            Poll();
            InstanceSnapshot[] instances =
            [
                .. _instances
                    .Where(instance => instance.Key.Ordinal == heartbeat.Ordinal)
                    .Select(instance => instance.Value.Module.Snapshot()),
            ];
            _decisions.Add(
                new ExecutorDecision(
                    heartbeat.Ordinal,
                    new HeartbeatAnswer(_incarnation, heartbeat.Sequence, _group.Memory(heartbeat.Ordinal), instances)
                )
            );
        }
    }

    public void Dispose()
    {
        foreach (Submission submission in _inFlight)
        {
            submission.Lane!.Dispose();
        }

        _inFlight.Clear();
        foreach (ExecutorInstance instance in _instances.Values)
        {
            instance.Module.Dispose();
        }

        _instances.Clear();
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
            CheckFault();
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
            result = ForwardResult.Succeeded(lane.TakeOutputs(0), lane.TimesOf(0));
        }
        else
        {
            result = ForwardResult.Failed(lane.FailureOf(0));
            CheckFault();
        }

        lane.Dispose();
        End(submission, result);
        return true;
    }

    /// <summary>Lanes at work free what they hold when they come back; only then is a release answered.</summary>
    private void AnswerReleases()
    {
        for (int i = 0; i < _releasing.Count; )
        {
            (ReleaseResources release, ExecutorInstance instance) = _releasing[i];
            bool isRetired =
                !_instances.TryGetValue((release.Ordinal, release.Model), out ExecutorInstance? present) || present != instance;
            if (isRetired || instance.Module.IsFreed)
            {
                _releasing.RemoveAt(i);
                _decisions.Add(new ExecutorDecision(release.Ordinal, new ResourcesReleased(_incarnation, release.Model, release.Held)));
            }
            else
            {
                i++;
            }
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

    /// <summary>Tells every GPU of the group once; it comes before the results of this turn, so that they are judged by it.</summary>
    private void CheckFault()
    {
        if (!_faulted && _group.Fault is { } fault)
        {
            _faulted = true;
            foreach (int ordinal in _group.Ordinals)
            {
                _decisions.Add(new ExecutorDecision(ordinal, new DeviceFaulted(_incarnation, fault)));
            }
        }
    }
}
