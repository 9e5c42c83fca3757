using Akka.Actor;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Simulation;

/// <summary>One GPU and its executor in a simulated node: the two cores, and what their actors and the node around them would do with their
/// decisions.</summary>
internal sealed class SimulatedGpu
{
    private readonly SimulatedNode _node;
    private readonly FakePlatform _platform;
    private readonly List<GpuDecision> _decisions = [];
    private List<ExecutorDecision> _executorDecisions = [];
    private ExecutorCore? _executor;
    private object _executorAddress = new();
    private int _incarnation;

    public SimulatedGpu(SimulatedNode node, FakePlatform platform, int ordinal)
    {
        _node = node;
        _platform = platform;
        Ordinal = ordinal;
        Core = new GpuCore(
            new GpuSpec(
                new GpuId(node.Id, ordinal),
                "fake",
                1,
                QueueLimit: 3,
                LaunchLimit: 2,
                WatchdogBound: TimeSpan.FromMilliseconds(400)
            ),
            _decisions
        );
    }

    public int Ordinal { get; }

    public GpuCore Core { get; }

    public bool Hangs { get; set; }

    public bool Usable => Core.Health is GpuHealth.Ready && !Hangs;

    /// <summary>A new executor opens the device and gets the model back.</summary>
    public void StartExecutor()
    {
        if (Core.Health == GpuHealth.Quarantined || _platform.Faults[Ordinal].Fault is not null)
        {
            return;
        }

        int incarnation = ++_incarnation;
        var decisions = new List<ExecutorDecision>();
        object address = _executorAddress = new();
        ExecutorCore core = null!;
        core = new ExecutorCore(
            incarnation,
            _platform.OpenGroup(Ordinal),
            () => _node.Bag.Send(address, address, () => OnExecutor(core, address, executor => executor.Poll())),
            decisions
        );
        _executor = core;
        _executorDecisions = decisions;
        _node.Bag.Send(address, Core, () => Do(gpu => gpu.Start(new ExecutorReady(incarnation, ActorRefs.Nobody, [Ordinal]))));
        IModuleInstance instance = _platform.Load(
            new ModuleSource(new ModelReference("m", 1), "m"),
            Ordinal,
            new InstanceOptions { MaxLanes = 2 },
            default
        );
        OnExecutor(core, address, executor => executor.Adopt(new AdoptInstance(incarnation, new InstanceHandOver(instance))));
    }

    /// <summary>The executor fails; the node tells the GPU and starts another.</summary>
    public void Crash()
    {
        if (_executor is not { } executor || Hangs || Core.Health == GpuHealth.Quarantined)
        {
            return;
        }

        _executor = null;
        executor.Dispose();
        int incarnation = _incarnation;
        _node.Bag.Send(
            _node,
            Core,
            () =>
            {
                Do(gpu => gpu.Lose(new ExecutorLost(incarnation, "a defect", false)));
                StartExecutor();
            }
        );
    }

    public void LoseDevice() => _platform.Faults[Ordinal].Fault = "lost";

    /// <summary>Work of the device ends, well or not.</summary>
    public void Progress(Random random)
    {
        foreach (
            FakeLane lane in _platform
                .Instances.Where(instance => instance.HomeOrdinal == Ordinal && !instance.Disposed)
                .SelectMany(instance => instance.Busy)
        )
        {
            if (_platform.Faults[Ordinal].Fault is not null || random.Next(10) == 0)
            {
                lane.Fail(new ForwardException(FailureKind.BackendFailed, "the launch failed"));
            }
            else
            {
                lane.Complete();
            }
        }
    }

    public void Do(Action<GpuCore> step)
    {
        if (!_node.Alive)
        {
            return;
        }

        step(Core);
        for (int i = 0; i < _decisions.Count; i++)
        {
            Perform(_decisions[i]);
        }

        _decisions.Clear();
    }

    private void Perform(GpuDecision decision)
    {
        switch (decision.Action)
        {
            case GpuAction.TellExecutor when _executor is { } core:
                object address = _executorAddress;
                _node.Bag.Send(Core, address, () => OnExecutor(core, address, executor => Handle(executor, decision.Message!)));
                break;
            case GpuAction.Release:
                QueuedForward forward = decision.Forward!;
                bool remote = forward.Origin is not null && decision.Outcome is not null;
                if (remote)
                {
                    forward.Origin!.Answer(decision.Outcome!);
                }

                var release = new GpuRelease(Ordinal, forward.Forward.Id, forward.Attempt, remote ? null : decision.Outcome);
                _node.Bag.Send(Core, _node, () => _node.Release(release));
                break;
            case GpuAction.TellRouter:
                var report = (GpuReport)decision.Message!;
                _node.Bag.Send(Core, _node, () => _node.Hear(report));
                break;
            default:
                break;
        }
    }

    /// <summary>An executor that hangs keeps its mail; one that has ended loses it.</summary>
    private void OnExecutor(ExecutorCore core, object address, Action<ExecutorCore> step)
    {
        if (!ReferenceEquals(core, _executor) || !_node.Alive || Hangs)
        {
            return;
        }

        step(core);
        foreach (ExecutorDecision decision in _executorDecisions.ToList())
        {
            _node.Bag.Send(address, Core, () => Do(gpu => Handle(gpu, decision.Message)));
        }

        _executorDecisions.Clear();
    }

    private static void Handle(ExecutorCore executor, object message)
    {
        switch (message)
        {
            case Launch launch:
                executor.Run(launch);
                break;
            case Heartbeat heartbeat:
                executor.Beat(heartbeat);
                break;
            case RetireInstance retire:
                executor.Retire(retire);
                break;
            default:
                throw new InvalidOperationException(message.ToString());
        }
    }

    private void Handle(GpuCore gpu, object message)
    {
        switch (message)
        {
            case LaunchEnded ended:
                gpu.Complete(ended, _node.Now);
                break;
            case DeviceFaulted faulted:
                gpu.Fault(faulted);
                break;
            case InstanceAdopted adopted:
                gpu.Adopt(adopted, _node.Now);
                break;
            case HeartbeatAnswer answer:
                gpu.Beat(answer);
                break;
            default:
                throw new InvalidOperationException(message.ToString());
        }
    }
}
