using Troupe.Actors.Decisions;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Routing;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Node;

/// <summary>The decisions of a node about its executors, which of them follow those that end, and what it says of itself.</summary>
/// <remarks>Knows no Akka. <b>Owns</b> the lives of the executor groups and the newest word of each GPU. <b>Thread</b> the
/// node's.</remarks>
internal sealed class NodeCore
{
    private readonly TroupeNodeSpec _spec;
    private readonly NodeId _id;
    private readonly NodeIncarnation _incarnation;
    private readonly DecisionQueue<NodeDecision, INodeShell> _decisions;
    private readonly List<ExecutorGroup> _groups;
    private readonly GpuSnapshot[] _gpus;
    private readonly IReadOnlyList<InstanceSnapshot>[] _counted;
    private readonly MemoryCounts[] _memory;
    private ModelSnapshot[] _models = [];
    private long _sequence;
    private bool _draining;

    public NodeCore(TroupeNodeSpec spec, NodeId id, NodeIncarnation incarnation, DecisionQueue<NodeDecision, INodeShell> decisions)
    {
        _spec = spec;
        _id = id;
        _incarnation = incarnation;
        _decisions = decisions;
        Gpus = [.. spec.Platform.Devices.Select(SpecOf)];
        _gpus = [.. Gpus.Select(gpu => StartingSnapshot(gpu))];
        _memory = new MemoryCounts[Gpus.Count];
        _counted = [.. Gpus.Select(_ => (IReadOnlyList<InstanceSnapshot>)[])];
        _groups = [.. spec.Groups().Select(ordinals => new ExecutorGroup(ordinals, spec.ExecutorFailureLimit, spec.ExecutorFailureWindow))];
    }

    /// <summary>The node's devices, in order.</summary>
    public IReadOnlyList<GpuSpec> Gpus { get; }

    /// <summary>What all instances here have counted.</summary>
    /// <summary>By ordinal.</summary>
    public IReadOnlyList<MemoryCounts> Memory => [.. _memory];

    public IReadOnlyList<InstanceSnapshot> Counted => [.. _counted.SelectMany(instances => instances)];

    /// <summary>The node's GPUs are there: every group gets its executor.</summary>
    public void Start()
    {
        foreach (ExecutorGroup group in _groups)
        {
            Start(group);
        }

        Publish();
    }

    /// <summary>The pause before a group's next executor is over.</summary>
    public void EndPause(ExecutorGroup group)
    {
        if (group.StartsAt is not null)
        {
            Start(group);
        }
    }

    /// <summary>An executor has failed: its GPUs and the directory hear of it at once, before the executor has cleaned up.</summary>
    public void EndExecutor(ExecutorGroup group, ExecutorLost lost, TimeSpan now)
    {
        if (group.Quarantined || group.EndTold || lost.Incarnation != group.Incarnation)
        {
            return;
        }

        group.IsExcused = lost.Evidence.ClearsDevice;
        if (!lost.DeviceGone && !group.IsExcused && group.Fails(now))
        {
            string reason =
                $"its executor failed more than {_spec.ExecutorFailureLimit} times within {_spec.ExecutorFailureWindow.TotalSeconds:0} s; last: {lost.Reason}";
            lost = lost with { Reason = reason, DeviceGone = true };
        }

        group.EndTold = true;
        group.Quarantined = lost.DeviceGone;
        _decisions.Add(new NodeDecision.ReportLoss(group, lost));
        foreach (int ordinal in group.Ordinals)
        {
            _decisions.Add(new NodeDecision.TellGpu(ordinal, lost));
            _decisions.Add(new NodeDecision.TellModels(new DeviceGone(ordinal, lost.Reason, lost.DeviceGone)));
        }
    }

    /// <summary>An executor has cleaned up and is gone: another follows, unless its devices are out of service.</summary>
    public void Replace(ExecutorGroup group, TimeSpan now)
    {
        EndExecutor(group, new ExecutorLost(group.Incarnation, "its executor ended", DeviceGone: false), now);
        if (group.Quarantined)
        {
            return;
        }

        TimeSpan pause = group.Backoff();
        group.StartsAt = now + pause;
        if (pause == TimeSpan.Zero)
        {
            Start(group);
        }
        else
        {
            _decisions.Add(new NodeDecision.StartLater(group, pause));
        }
    }

    /// <summary>A GPU is out of service for good: so are those that share its executor.</summary>
    public void Quarantine(GpuQuarantined quarantined, TimeSpan now)
    {
        ExecutorGroup group = GroupOf(quarantined.Gpu);
        if (group.Quarantined)
        {
            return;
        }

        EndExecutor(group, new ExecutorLost(group.Incarnation, quarantined.Reason, DeviceGone: true), now);
        group.Quarantined = true;
        _decisions.Add(new NodeDecision.Stop(group));
    }

    /// <summary>A GPU's executor makes no progress: it ends when it moves again, and another follows, which counts against no
    /// limit.</summary>
    public void EndHanging(ExecutorHangs hangs, TimeSpan now)
    {
        ExecutorGroup group = GroupOf(hangs.Gpu);
        if (hangs.Incarnation == group.Incarnation && !group.Quarantined && !group.EndTold)
        {
            var evidence = new CrashEvidence(OneLaunched: false, ClearsDevice: true);
            EndExecutor(group, new ExecutorLost(group.Incarnation, hangs.Reason, DeviceGone: false, evidence, Hangs: true), now);
            _decisions.Add(new NodeDecision.Stop(group));
        }
    }

    /// <summary>Looks after the GPUs, and after pauses whose timer was lost with a restart of the actor or could not be set.</summary>
    public void Tick(TimeSpan now)
    {
        foreach (ExecutorGroup group in _groups.Where(group => group.StartsAt <= now))
        {
            Start(group);
        }

        TellGpus(GpuTick.Instance);
        Publish();
    }

    public void Update(GpuStatus status)
    {
        int ordinal = status.Snapshot.Gpu.Ordinal;
        _counted[ordinal] = status.Instances;
        _memory[ordinal] = status.Memory;
        bool changed = _gpus[ordinal].Health != status.Snapshot.Health;
        _gpus[ordinal] = status.Snapshot;
        if (changed)
        {
            Publish();
        }
    }

    public void Update(ModelsChanged changed)
    {
        _models = changed.Models;
        Publish(changed.Asker, changed.Reply);
    }

    public void Drain()
    {
        _draining = true;
        TellGpus(DrainGpu.Instance);
        Publish();
    }

    /// <summary>A decision could not be applied: an executor that could not be made counts as one that ended, and what is only told is told
    /// once more.</summary>
    public void Failed(NodeDecision decision, Exception cause, TimeSpan now)
    {
        switch (decision)
        {
            case NodeDecision.Start start:
                EndExecutor(
                    start.Group,
                    new ExecutorLost(start.Group.Incarnation, $"its executor could not be started: {cause.Message}", DeviceGone: false),
                    now
                );
                Replace(start.Group, now);
                break;
            case NodeDecision.StartLater:
                // The next look at the GPUs after the pause starts it.
                break;
            case NodeDecision.Publish published:
                // Not the one that failed: a later one may stand behind it. The answer it carries is still owed.
                _decisions.TryRepeat(new NodeDecision.Publish(Own(published.Own.Asker, published.Own.Reply)));
                break;
            default:
                _decisions.TryRepeat(decision);
                break;
        }
    }

    private void Start(ExecutorGroup group)
    {
        if (!group.Quarantined)
        {
            group.Begin();
            _decisions.Add(new NodeDecision.Start(group));
        }
    }

    private ExecutorGroup GroupOf(GpuId gpu) => _groups.Find(candidate => candidate.Ordinals.Contains(gpu.Ordinal))!;

    private void TellGpus(INodeToGpu message)
    {
        foreach (GpuSpec gpu in Gpus)
        {
            _decisions.Add(new NodeDecision.TellGpu(gpu.Id.Ordinal, message));
        }
    }

    /// <summary>Through the router, which tells the others; the answer to a load follows the news, so that whoever has it sees the
    /// model.</summary>
    private void Publish(IReplyTo<ModelReply>? asker = null, ModelReply? reply = null) =>
        _decisions.Add(new NodeDecision.Publish(Own(asker, reply)));

    private OwnSnapshot Own(IReplyTo<ModelReply>? asker, ModelReply? reply) =>
        new(new NodeSnapshot(_id, _incarnation, ++_sequence, _draining, [.. _gpus], _models, _spec.Version), asker, reply);

    private GpuSpec SpecOf(DeviceDescription device) =>
        new(
            new GpuId(_id, device.Ordinal),
            device.Name,
            device.MemoryBytes,
            _spec.QueueLimit,
            _spec.LaunchLimit,
            _spec.WatchdogBound,
            _spec.SnapshotInterval
        );

    private static GpuSnapshot StartingSnapshot(GpuSpec gpu) =>
        new(gpu.Id, gpu.Name, GpuHealth.Starting, "", 0, gpu.QueueLimit, 0, 0, gpu.MemoryBytes);
}
