using Akka.Actor;
using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Actors.Node;
using Troupe.Actors.Tests.Decisions;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
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
    private readonly List<Action> _kept = [];
    private ExecutorGroup? _group;
    private ExecutorCore? _executor;
    private ExecutorMail? _executorMail;
    private bool _hangs;
    private bool _isStopped;

    public SimulatedGpu(SimulatedNode node, FakePlatform platform, GpuSpec spec)
    {
        _node = node;
        _platform = platform;
        Ordinal = spec.Id.Ordinal;
        Core = new GpuCore(spec, _decisions);
    }

    public int Ordinal { get; }

    public GpuCore Core { get; }

    /// <summary>An executor that hangs keeps its mail, also the word to stop.</summary>
    public bool Hangs
    {
        get => _hangs;
        set
        {
            _hangs = value;
            if (!value)
            {
                List<Action> kept = [.. _kept];
                _kept.Clear();
                kept.ForEach(step => step());
                if (_isStopped)
                {
                    StopExecutor();
                }
            }
        }
    }

    /// <summary>A new executor opens the device and gets the models back.</summary>
    public void StartExecutor(ExecutorGroup group)
    {
        object address = new();
        var mail = new ExecutorMail(this, address);
        _group = group;
        int incarnation = group.Incarnation;
        if (_platform.Faults[Ordinal].Fault is { } fault)
        {
            Tell(address, core => core.EndExecutor(group, new ExecutorLost(incarnation, fault, true), _node.Now));
            return;
        }

        ExecutorCore core = null!;
        core = new ExecutorCore(
            incarnation,
            _platform.OpenGroup(Ordinal),
            new ExecutorPulse(new NodeClock(TimeProvider.System), runsOnHost: false),
            () => _node.Bag.Send(address, address, () => OnExecutor(core, mail, executor => executor.Poll())),
            mail.Decisions
        );
        _executor = core;
        _executorMail = mail;
        _node.Bag.Send(address, Core, () => Do(gpu => gpu.Start(new ExecutorReady(incarnation, ActorRefs.Nobody, [Ordinal]))));
        foreach (string name in (string[])["m", "n"])
        {
            var source = new ModuleSource(new ModelReference(name, 1), name);
            IModuleInstance instance = _platform.Load(source, Ordinal, new InstanceOptions { MaxLanes = 2 }, default);
            OnExecutor(core, mail, executor => executor.Adopt(new AdoptInstance(incarnation, new InstanceHandOver(instance))));
        }
    }

    public void StopExecutor()
    {
        if (_hangs)
        {
            _isStopped = true;
        }
        else if (_executor is { } executor && _executorMail is { } mail)
        {
            _isStopped = false;
            _executor = null;
            executor.Dispose();
            Tell(mail.Address, core => core.Replace(_group!, _node.Now));
        }
    }

    /// <summary>The executor fails; the node tells the GPU and starts another.</summary>
    public void Crash(string reason = "a defect")
    {
        if (_executor is not { } executor || _executorMail is not { } mail || _hangs)
        {
            return;
        }

        var lost = new ExecutorLost(_group!.Incarnation, reason, false, executor.Evidence);
        executor.CheckFault(lost.Evidence);
        mail.Decisions.ApplyTo(mail);
        _executor = null;
        executor.Dispose();
        Tell(mail.Address, core => core.EndExecutor(_group, lost, _node.Now));
        Tell(mail.Address, core => core.Replace(_group, _node.Now));
    }

    public void Hear(INodeToGpu message)
    {
        switch (message)
        {
            case ExecutorLost lost:
                Do(core => core.EndExecutor(lost));
                break;
            case GpuTick:
                Do(core => core.Tick(_node.Now));
                break;
            default:
                throw new InvalidOperationException(message.ToString());
        }
    }

    public void LoseDevice() => _platform.Faults[Ordinal].Fault = "lost";

    /// <summary>What the device works on, oldest first for each model.</summary>
    public IReadOnlyList<FakeLane> Busy =>
        [
            .. _platform
                .Instances.Where(instance => instance.HomeOrdinal == Ordinal && !instance.Disposed)
                .SelectMany(instance => instance.Busy),
        ];

    /// <summary>Work of the device ends, well or not.</summary>
    public void Progress(Random random)
    {
        foreach (FakeLane lane in Busy)
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

    public void TellNode(IGpuNews news)
    {
        _node.Faults.Pass();
        switch (news)
        {
            case GpuQuarantined quarantined:
                Tell(Core, core => core.Quarantine(quarantined, _node.Now));
                break;
            case ExecutorHangs hangs:
                Tell(Core, core => core.EndHanging(hangs, _node.Now));
                break;
            default:
                break;
        }
    }

    public void TellModels(IInstanceNews news) => _node.Faults.Pass();

    public void AnswerModes(IReplyTo<IGpuModesAnswer> asker, IGpuModesAnswer answer) => asker.Answer(answer);

    public void Failed(in GpuDecision decision, Exception cause)
    {
        Assert.Equal(Plant.Reason, cause.Message);
        Core.Failed(decision, cause, _node.Now);
    }

    private void Tell(object from, Action<NodeCore> step) => _node.Bag.Send(from, _node, () => _node.Supervise(step));

    /// <summary>One that has ended loses its mail.</summary>
    private void OnExecutor(ExecutorCore core, ExecutorMail mail, Action<ExecutorCore> step)
    {
        if (!ReferenceEquals(core, _executor) || !_node.Alive)
        {
            return;
        }

        if (_hangs)
        {
            _kept.Add(() => OnExecutor(core, mail, step));
            return;
        }

        try
        {
            step(core);
        }
        catch (InvalidOperationException exception)
        {
            Crash($"its executor failed: {exception.Message}");
            return;
        }

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
            case ReleaseResources release:
                executor.ReleaseHeld(release);
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
            case ResourcesReleased released:
                gpu.Released(released, _node.Now);
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
