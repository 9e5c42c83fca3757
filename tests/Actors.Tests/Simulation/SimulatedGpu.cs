using Akka.Actor;
using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Actors.Tests.Decisions;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
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
internal sealed class SimulatedGpu : IGpuShell
{
    private readonly SimulatedNode _node;
    private readonly FakePlatform _platform;
    private readonly DecisionQueue<GpuDecision, IGpuShell> _decisions = new();
    private ExecutorCore? _executor;
    private ExecutorMail? _executorMail;
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
        object address = new();
        var mail = new ExecutorMail(this, address);
        ExecutorCore core = null!;
        core = new ExecutorCore(
            incarnation,
            _platform.OpenGroup(Ordinal),
            () => _node.Bag.Send(address, address, () => OnExecutor(core, mail, executor => executor.Poll())),
            mail.Decisions
        );
        _executor = core;
        _executorMail = mail;
        _node.Bag.Send(address, Core, () => Do(gpu => gpu.Start(new ExecutorReady(incarnation, ActorRefs.Nobody, [Ordinal]))));
        IModuleInstance instance = _platform.Load(
            new ModuleSource(new ModelReference("m", 1), "m"),
            Ordinal,
            new InstanceOptions { MaxLanes = 2 },
            default
        );
        OnExecutor(core, mail, executor => executor.Adopt(new AdoptInstance(incarnation, new InstanceHandOver(instance))));
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
                Do(gpu => gpu.EndExecutor(new ExecutorLost(incarnation, "a defect", false)));
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
        _decisions.ApplyTo(this);
    }

    public void TellExecutor(IExecutorRequest request)
    {
        _node.Faults.Pass();
        if (_executor is { } core && _executorMail is { } mail)
        {
            _node.Bag.Send(Core, mail.Address, () => OnExecutor(core, mail, executor => Handle(executor, request)));
        }
    }

    public void AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome)
    {
        _node.Faults.Pass();
        origin.Answer(outcome);
    }

    public void Release(GpuRelease release)
    {
        _node.Faults.Pass();
        _node.Bag.Send(Core, _node, () => _node.Release(release));
    }

    public void TellRouter(GpuReport report)
    {
        _node.Faults.Pass();
        _node.Bag.Send(Core, _node, () => _node.Hear(report));
    }

    public void TellNode(IGpuNews news) => _node.Faults.Pass();

    public void TellModels(IInstanceNews news) => _node.Faults.Pass();

    public void AnswerModes(IReplyTo<IGpuModesAnswer> asker, IGpuModesAnswer answer) => asker.Answer(answer);

    public void Failed(in GpuDecision decision, Exception cause)
    {
        Assert.Equal(Plant.Reason, cause.Message);
        Core.Failed(decision, cause, _node.Now);
    }

    /// <summary>An executor that hangs keeps its mail; one that has ended loses it.</summary>
    private void OnExecutor(ExecutorCore core, ExecutorMail mail, Action<ExecutorCore> step)
    {
        if (!ReferenceEquals(core, _executor) || !_node.Alive || Hangs)
        {
            return;
        }

        step(core);
        mail.Decisions.ApplyTo(mail);
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

    /// <summary>What one life of the executor tells this GPU.</summary>
    private sealed class ExecutorMail(SimulatedGpu gpu, object address) : IExecutorShell
    {
        public object Address => address;

        public DecisionQueue<ExecutorDecision, IExecutorShell> Decisions { get; } = new();

        public void TellGpu(int ordinal, IExecutorNews news) =>
            gpu._node.Bag.Send(address, gpu.Core, () => gpu.Do(core => gpu.Handle(core, news)));

        public void Failed(in ExecutorDecision decision, Exception cause) =>
            throw new InvalidOperationException("An executor's word does not get lost here.", cause);
    }
}
