using Troupe.Actors.Decisions;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Identity;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Gpu;

/// <summary>The decisions of an executor: the instances it has, their settings and resources, and its sign of life.</summary>
/// <remarks>
/// Knows no Akka; forwards are <see cref="ExecutorLaunches"/>'. <b>Owns</b> the instances it adopted and their lanes; the device group is
/// its actor's. <b>Thread</b> the executor's. <b>Blocks</b> never, but for forwards on emulated devices of the inline policy. Any exception
/// but a <see cref="ForwardException"/> goes through: the executor crashes and is replaced.
/// </remarks>
internal sealed class ExecutorCore : IDisposable
{
    private readonly int _incarnation;
    private readonly IDeviceGroup _group;
    private readonly DecisionQueue<ExecutorDecision, IExecutorShell> _decisions;
    private readonly GroupFault _fault;
    private readonly ExecutorLaunches _launches;
    private readonly Dictionary<(int Ordinal, ModelVersion Model), ExecutorInstance> _instances = [];
    private readonly List<(ReleaseResources Release, ExecutorInstance Instance)> _releasing = [];

    public ExecutorCore(
        int incarnation,
        IDeviceGroup group,
        ExecutorPulse pulse,
        Action signal,
        DecisionQueue<ExecutorDecision, IExecutorShell> decisions
    )
    {
        _incarnation = incarnation;
        _group = group;
        _decisions = decisions;
        _fault = new GroupFault(incarnation, group, decisions);
        _launches = new ExecutorLaunches(_instances, _fault, pulse, signal, decisions);
    }

    public int InFlight => _launches.InFlight;

    public int Waiting => _launches.Waiting;

    /// <summary>What a crash at this moment says of the forwards that are launched.</summary>
    public CrashEvidence Evidence => _launches.Evidence;

    /// <summary>The same of an exception, and nothing when it came of a step that had no part in any forward.</summary>
    public CrashEvidence EvidenceOfFailure => _launches.IsAtWork ? Evidence : default;

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
        if (launch.Incarnation == _incarnation)
        {
            _launches.Run(launch);
            AnswerReleases();
        }
    }

    /// <summary>A lane may be done.</summary>
    public void Poll()
    {
        _launches.Poll();
        AnswerReleases();
        CheckFault(Evidence);
    }

    /// <summary>Tells the GPUs if the devices are unusable: a failure of this turn may come of that.</summary>
    /// <param name="evidence">What that says of the forwards that are launched.</param>
    public void CheckFault(CrashEvidence evidence) => _fault.Check(evidence);

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

        CheckFault(default);
        _decisions.Add(new ExecutorDecision(apply.Ordinal, new SettingsApplied(_incarnation, apply.Model, apply.Settings, failure)));
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
            try
            {
                DeviceMemory memory = _group.Memory(heartbeat.Ordinal);
                _decisions.Add(
                    new ExecutorDecision(heartbeat.Ordinal, new HeartbeatAnswer(_incarnation, heartbeat.Sequence, memory, instances))
                );
            }
            catch (ForwardException) when (_group.Fault is not null)
            {
                CheckFault(Evidence);
            }
        }
    }

    public void Dispose()
    {
        _launches.Dispose();
        foreach (ExecutorInstance instance in _instances.Values)
        {
            instance.Module.Dispose();
        }

        _instances.Clear();
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
}
